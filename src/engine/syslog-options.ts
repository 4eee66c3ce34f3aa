// Options of the syslog driver: looked at when a container is made, used when it starts (moby daemon/logger/syslog).
import { lookup } from "node:dns/promises";
import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { invalid, notImplemented, systemError } from "../base/errors.ts";
import type { SyslogSettings } from "../runtime/types.ts";

const FACILITIES =
  "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp - - - - local0 local1 local2 local3 local4 local5 local6 local7".split(
    " ",
  );
const FORMATS = ["", "rfc3164", "rfc5424", "rfc5424micro"] as const;
const PORT = "514";

type Address =
  | { kind: "local" }
  | { kind: "unix"; scheme: "unix" | "unixgram"; path: string }
  | { kind: "inet"; scheme: "udp" | "tcp" | "tcp+tls"; host: string; port: string };

/** Errors: invalid, in Docker's words; not-implemented for tcp+tls. */
export function checkSyslogOptions(options: Record<string, string>): void {
  const address = parseAddress(options["syslog-address"] ?? "");
  parseFacility(options["syslog-facility"] ?? "");
  parseFormat(options["syslog-format"] ?? "");
  if (address.kind === "inet" && address.scheme === "tcp+tls")
    throw notImplemented(
      `the address ${options["syslog-address"]} is not served: syslog over TLS is not implemented in Berth; use tcp, udp or unix, or a relay on this host`,
    );
}

/** As moby's parseAddress over Go's url.Parse. */
function parseAddress(text: string): Address {
  if (text === "") return { kind: "local" };
  const parts = /^([a-zA-Z][a-zA-Z0-9+.-]*):(?:\/\/([^/?#]*))?([^?#]*)/.exec(text);
  const scheme = parts?.[1]?.toLowerCase() ?? "";
  const authority = parts?.[2] ?? "";
  const path = parts?.[3] ?? "";
  const refuse = (why: string) => invalid(`parse ${JSON.stringify(text)}: ${why}`);
  if (!parts && text.startsWith(":")) throw refuse("missing protocol scheme");
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  if (host.startsWith("[") && !host.includes("]")) throw refuse("missing ']' in host");
  const port = /^(?:\[[^\]]*\]|.*?)(:[^:\]]*)?$/.exec(host)?.[1];
  if (port !== undefined && !/^:\d*$/.test(port))
    throw refuse(`invalid port ${JSON.stringify(port)} after host`);
  if (scheme === "unix" || scheme === "unixgram") {
    if (!existsSync(path)) throw invalid(`stat ${path}: no such file or directory`);
    return { kind: "unix", scheme, path };
  }
  if (scheme !== "udp" && scheme !== "tcp" && scheme !== "tcp+tls")
    throw invalid(`unsupported scheme: '${scheme}'`);
  if (!host.startsWith("[") && host.split(":").length > 2)
    throw invalid(`address ${host}: too many colons in address`);
  const split = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(host);
  return { kind: "inet", scheme, host: split?.[1] ?? split?.[2] ?? "", port: split?.[3] ?? PORT };
}

function parseFacility(text: string): number {
  if (text === "") return FACILITIES.indexOf("daemon");
  const named = text === "-" ? -1 : FACILITIES.indexOf(text);
  if (named >= 0) return named;
  if (/^[+-]?\d+$/.test(text) && Number(text) >= 0 && Number(text) <= 23) return Number(text);
  throw invalid("invalid syslog facility");
}

function parseFormat(text: string): SyslogSettings["format"] {
  const format = FORMATS.find((known) => known === text);
  if (format === undefined) throw invalid("Invalid syslog format");
  return format;
}

/** Where and how the shim is to write. A host's name is looked up here, once a start. Errors: as above, and system. */
export async function syslogSettings(
  options: Record<string, string>,
  tag: string,
): Promise<Pick<SyslogSettings, "network" | "peer" | "facility" | "format" | "tag">> {
  const address = parseAddress(options["syslog-address"] ?? "");
  return {
    ...(await peerOf(address)),
    facility: parseFacility(options["syslog-facility"] ?? ""),
    format: parseFormat(options["syslog-format"] ?? ""),
    tag,
  };
}

async function peerOf(address: Address): Promise<Pick<SyslogSettings, "network" | "peer">> {
  switch (address.kind) {
    case "local":
      return { peer: { kind: "unix", path: "/dev/log", datagram: true } };
    case "unix":
      return {
        network: `${address.scheme} ${address.path}`,
        peer: { kind: "unix", path: address.path, datagram: address.scheme === "unixgram" },
      };
    case "inet": {
      const { scheme, host, port } = address;
      const found = await addressOf(scheme, host);
      return {
        network: `${scheme} ${found.includes(":") ? `[${found}]` : host === "" ? "" : found}:${port}`,
        peer: {
          kind: "inet",
          address: found,
          port: Number(port || PORT),
          datagram: scheme === "udp",
        },
      };
    }
  }
}

async function addressOf(network: string, host: string): Promise<string> {
  // As Go dials an address without a host.
  if (host === "") return "127.0.0.1";
  if (isIP(host)) return host;
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw systemError(`dial ${network}: lookup ${host}: no such host`, error);
  }
}
