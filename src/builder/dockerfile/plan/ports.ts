// EXPOSE: `80`, `80/UDP`, `8000-8010`, and the forms of `run -p`, of which only the container's port counts.
import { isIP } from "node:net";
import { invalid } from "../../../base/errors.ts";
import type { Linter } from "../checks/index.ts";
import { quote } from "../go-text.ts";
import type { Lines } from "../source.ts";

const PROTOCOLS = ["tcp", "udp", "sctp"];
const HIGHEST = 65535;

/** Ports as the image's configuration has them, `80/tcp`. Errors: invalid, in BuildKit's words. */
export function exposedPorts(port: string, lines: Lines, linter: Linter | undefined): string[] {
  const { ip, host, container } = splitParts(port);
  const slash = container.indexOf("/");
  const range = slash < 0 ? container : container.slice(0, slash);
  const written = slash < 0 ? "" : container.slice(slash + 1);
  if (range === "") throw invalid(`invalid port: ${quote(port)}: no port specified`);
  const protocol = written.toLowerCase() || "tcp";
  if (!PROTOCOLS.includes(protocol)) throw invalid(`invalid port: ${quote(port)}: invalid proto: ${written}`);
  if (written !== written.toLowerCase()) linter?.report("ExposeProtoCasing", lines, port);
  if (ip !== "" || host !== "") linter?.report("ExposeInvalidFormat", lines, port);
  if (ip !== "" && isIP(ip.replace(/^\[(.*)\]$/, "$1")) === 0) throw invalid(`invalid IP address: ${ip}`);
  const ports = parseRange(range);
  if (!ports) throw invalid(`invalid containerPort: ${range}`);
  if (host !== "") refuseHostRange(host, range, ports);
  return Array.from(
    { length: ports.end - ports.start + 1 },
    (_, index) => `${ports.start + index}/${protocol}`,
  );
}

function splitParts(port: string): { ip: string; host: string; container: string } {
  const parts = port.split(":");
  const [container = "", host = ""] = parts.toReversed();
  return { ip: parts.slice(0, -2).join(":"), host, container };
}

interface Range {
  start: number;
  end: number;
}

function refuseHostRange(host: string, container: string, ports: Range): void {
  const hosts = parseRange(host);
  if (!hosts) throw invalid(`invalid hostPort: ${host}`);
  // One port of the container may have a whole range of the host's to choose from.
  if (hosts.end - hosts.start !== ports.end - ports.start && ports.end !== ports.start)
    throw invalid(`invalid ranges specified for container and host Ports: ${container} and ${host}`);
}

function parseRange(text: string): Range | undefined {
  const dash = text.indexOf("-");
  const start = parsePort(dash < 0 ? text : text.slice(0, dash));
  const end = dash < 0 ? start : parsePort(text.slice(dash + 1));
  return start === undefined || end === undefined || end < start ? undefined : { start, end };
}

function parsePort(text: string): number | undefined {
  const port = /^\+?\d+$/.test(text) ? Number(text) : Number.NaN;
  return port <= HIGHEST ? port : undefined;
}
