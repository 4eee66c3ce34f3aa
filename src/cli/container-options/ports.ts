// `-p` and `--expose`: which ports a container shows, and where on the host (docker/go-connections, nat).
import type { PortMap } from "../../sdk/index.ts";
import { cut } from "../framework/flags.ts";
import { ipVersion } from "./ip-address.ts";

interface Range {
  first: number;
  last: number;
}

/** Exposed ports and bindings of all `-p`, by container port `80/tcp`. */
export function parsePublished(specs: string[]): { exposed: Set<string>; bindings: PortMap } {
  const exposed = new Set<string>();
  const bindings: PortMap = {};
  for (const spec of specs.map(plainNotation)) {
    for (const { port, hostIp, hostPort } of parseSpec(spec)) {
      exposed.add(port);
      bindings[port] = [...(bindings[port] ?? []), { HostIp: hostIp, HostPort: hostPort }];
    }
  }
  return { exposed, bindings };
}

/** `published=8080,target=80,protocol=tcp` as `8080:80/tcp`. */
function plainNotation(text: string): string {
  if (!text.includes("=")) return text;
  const fields: Record<string, string> = { protocol: "tcp" };
  for (const part of text.split(",")) {
    const [key, value] = cut(part, "=");
    if (value === undefined || key === "") {
      throw new Error(`invalid publish opts format (should be name=value but got '${part}')`);
    }
    fields[key] = value;
  }
  return `${fields.published ?? ""}:${fields.target ?? ""}/${fields.protocol}`;
}

/** `[[address:]host port or range:]container port or range[/protocol]`. */
function parseSpec(spec: string): { port: string; hostIp: string; hostPort: string }[] {
  const parts = spec.split(":");
  const container = parts.pop() ?? "";
  const host = parts.pop() ?? "";
  const hostIp = address(parts.join(":"));
  const [ports = "", rawProtocol] = container.split("/");
  const protocol = (ports === "" ? "" : rawProtocol || "tcp").toLowerCase();
  if (!["tcp", "udp", "sctp"].includes(protocol)) throw new Error(`invalid proto: ${protocol}`);
  const inside = range(ports) ?? refuse(`invalid containerPort: ${ports}`);
  const outside = host === "" ? undefined : (range(host) ?? refuse(`invalid hostPort: ${host}`));
  const count = inside.last - inside.first;
  if (outside && outside.last - outside.first !== count && count !== 0) {
    throw new Error(`invalid ranges specified for container and host Ports: ${ports} and ${host}`);
  }
  return Array.from({ length: count + 1 }, (_, i) => {
    // One container port and a range of the host's: the daemon picks a free one.
    const any = outside && count === 0 && outside.first !== outside.last;
    const hostPort = any ? `${outside.first}-${outside.last}` : outside ? String(outside.first + i) : "";
    return { port: `${inside.first + i}/${protocol}`, hostIp, hostPort };
  });
}

function refuse(message: string): never {
  throw new Error(message);
}

/** An address, which may stand in brackets. Docker's client takes the brackets off with Go's net.SplitHostPort. */
function address(text: string): string {
  const bare = text.startsWith("[") ? withoutBrackets(text) : text;
  if (bare !== "" && !ipVersion(bare)) throw new Error(`invalid IP address: ${bare}`);
  return bare;
}

function withoutBrackets(text: string): string {
  const wrong = (what: string) => refuse(`invalid IP address ${text}: address ${text}:: ${what} in address`);
  const end = text.indexOf("]");
  if (end < 0) return wrong("missing ']'");
  if (end < text.length - 1) return wrong(text[end + 1] === ":" ? "too many colons" : "missing port");
  if (text.includes("[", 1)) return wrong("unexpected '['");
  return text.slice(1, end);
}

/** `80` or `80-90`; nothing for what is neither. */
function range(text: string): Range | undefined {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  if (!match) return undefined;
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  return first <= 65535 && last <= 65535 && first <= last ? { first, last } : undefined;
}

/** `--expose`: a port or a range with its protocol. */
export function parseExposed(text: string): string[] {
  if (text.includes(":")) throw new Error(`invalid port format for --expose: ${text}`);
  const [ports, protocol] = cut(text, "/");
  const bounds = range(ports);
  if (!bounds) throw new Error(`invalid range format for --expose: ${text}, error: ${rangeProblem(ports)}`);
  return Array.from(
    { length: bounds.last - bounds.first + 1 },
    (_, i) => `${bounds.first + i}/${protocol || "tcp"}`,
  );
}

function rangeProblem(text: string): string {
  if (text === "") return "empty string specified for ports";
  const [first = "", last] = text.split("-");
  for (const one of last === undefined ? [first] : [first, last]) {
    if (!/^\d+$/.test(one)) return `strconv.ParseUint: parsing ${JSON.stringify(one)}: invalid syntax`;
    if (Number(one) > 65535) return `strconv.ParseUint: parsing ${JSON.stringify(one)}: value out of range`;
  }
  return `invalid range specified for port: ${text}`;
}
