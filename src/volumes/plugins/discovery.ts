// Where plugins are found: sockets, and files that say an address, in folders of the host (Docker's plugin discovery, protocol v1).
//
//   NAME.sock   a socket that the plugin listens on
//   NAME.spec   a line with an address: unix:///path, tcp://host:port, http://…, https://…
//   NAME.json   {"Addr": ADDRESS, "TLSConfig": {"CAFile", "CertFile", "KeyFile", "InsecureSkipVerify"}}
//
// Each may be in a folder of its name too: NAME/NAME.sock.
import { readFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { invalid, messageOf } from "../../base/errors.ts";

export interface PluginAddress {
  name: string;
  /** As people see it. */
  shown: string;
  /** The socket to connect to; without one `base` says the host. */
  socket?: string;
  /** `http://host:port`, without a path. */
  base: string;
  tls?: { ca?: string; cert?: string; key?: string; verify: boolean };
}

const ENDINGS = [".sock", ".spec", ".json"] as const;

/** A name is a file's, so nothing that leads to another folder is one. */
const isPluginName = (name: string): boolean => name !== "" && !/[/\0]/.test(name) && !/^\.\.?$/.test(name);

/** The folders in this order; for one name a socket comes before a file. Undefined: there is no such plugin. Errors: invalid for a file that says no address. */
export async function findPlugin(
  folders: readonly string[],
  name: string,
): Promise<PluginAddress | undefined> {
  if (!isPluginName(name)) return undefined;
  for (const ending of ENDINGS)
    for (const folder of folders)
      for (const path of [join(folder, name + ending), join(folder, name, name + ending)]) {
        const found = await stat(path).catch(() => undefined);
        if (!found) continue;
        if (ending !== ".sock") return readAddress(name, path, ending);
        if (found.isSocket()) return { name, shown: path, socket: path, base: "http://plugin" };
      }
  return undefined;
}

/** Names of all plugins that there seem to be, in no order. */
export async function pluginNames(folders: readonly string[]): Promise<string[]> {
  const names = new Set<string>();
  for (const folder of folders)
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const ending = ENDINGS.find((one) => entry.name.endsWith(one));
      if (entry.isDirectory()) {
        if (await findPlugin([folder], entry.name).catch(() => true)) names.add(entry.name);
      } else if (ending && (ending !== ".sock" || entry.isSocket()))
        names.add(entry.name.slice(0, -ending.length));
    }
  return [...names];
}

function readAddress(name: string, path: string, ending: ".spec" | ".json"): PluginAddress {
  try {
    const text = readFileSync(path, "utf8");
    if (ending === ".spec") return parseAddress(name, text.trim());
    return parseJson(name, JSON.parse(text));
  } catch (error) {
    throw invalid(
      `plugin ${JSON.stringify(name)}: ${path} says no address of one: ${messageOf(error)}`,
      error,
    );
  }
}

/** Errors: invalid. */
export function parseAddress(name: string, text: string): PluginAddress {
  const [, scheme = "", rest = ""] = /^([a-z]+):\/\/(.*)$/i.exec(text) ?? [];
  switch (scheme.toLowerCase()) {
    case "unix":
      if (!rest.startsWith("/"))
        throw invalid(`the socket's path in ${JSON.stringify(text)} is not absolute`);
      return { name, shown: rest, socket: rest, base: "http://plugin" };
    case "tcp":
    case "http":
    case "https": {
      const url = URL.parse(`${scheme === "https" ? "https" : "http"}://${rest}`);
      if (!url?.host) throw invalid(`there is no host in ${JSON.stringify(text)}`);
      return { name, shown: text, base: `${url.protocol}//${url.host}` };
    }
    default:
      throw invalid(`Unknown protocol in ${JSON.stringify(text)}: unix, tcp, http and https are known`);
  }
}

function parseJson(name: string, said: unknown): PluginAddress {
  if (typeof said !== "object" || said === null) throw invalid("it is no object");
  const { Addr: address, TLSConfig: tls } = said as Record<string, unknown>;
  if (typeof address !== "string") throw invalid("Addr is no text");
  const at = parseAddress(name, address);
  if (tls === undefined || tls === null || at.socket) return at;
  const settings = tls as Record<string, unknown>;
  const file = (key: string) => {
    const path = settings[key];
    return typeof path === "string" && path !== "" ? readFileSync(path, "utf8") : undefined;
  };
  const ca = file("CAFile");
  return {
    ...at,
    // TLS settings make TLS of it, whatever the scheme; without an authority nothing could be verified.
    base: at.base.replace(/^http:/, "https:"),
    tls: {
      ca,
      cert: file("CertFile"),
      key: file("KeyFile"),
      verify: ca !== undefined && settings.InsecureSkipVerify !== true,
    },
  };
}
