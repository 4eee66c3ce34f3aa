// What one call of the program knows: its name, its streams, its configuration, and the daemon it speaks to.
import { Client } from "../sdk/index.ts";
import { type ConfigFile, readConfigFile } from "./config-file.ts";
import { currentContext, type DaemonAddress, defaultAddress, resolveDaemon } from "./daemon-address.ts";
import type { GivenGlobals, GlobalFlags } from "./global-flags.ts";
import { type Output, openOutput } from "./output.ts";

export interface Session {
  /** What people called: `docker` or `berth`. */
  readonly program: string;
  readonly out: Output;
  readonly err: Output;
  readonly globals: GlobalFlags;
  /** The folder of config.json, contexts and certificates. */
  readonly configFolder: string;
  config(): Promise<ConfigFile>;
  /** The daemon; made on first use, asks nothing by itself. */
  client(): Promise<Client>;
  /** The current context's name, as `version` and `context show` print it. There may be none of that name. */
  contextName(): Promise<string>;
  /** Where the default context's daemon is, whichever context is the current one. */
  defaultAddress(): Promise<DaemonAddress>;
}

/** `startsDaemon`: whether a daemon may be started where none is; not for who only asks what there is. */
export function openSession(
  program: string,
  globals: GivenGlobals,
  configFolder: string,
  { startsDaemon = true } = {},
): Session {
  const out = openOutput(1);
  const err = openOutput(2);
  let config: Promise<ConfigFile> | undefined;
  let client: Promise<Client> | undefined;
  const readConfig = () => {
    config ??= readConfigFile(configFolder, (warning) => err.line(warning));
    return config;
  };
  const address = async () => resolveDaemon(globals, configFolder, await readConfig());
  return {
    program,
    out,
    err,
    globals: globals.flags,
    configFolder,
    config: readConfig,
    contextName: async () => currentContext(globals, await readConfig()),
    defaultAddress: () => defaultAddress(globals, configFolder),
    client() {
      client ??= (async () => {
        const { host, tls, starts } = await address();
        return new Client({
          host,
          tls,
          apiVersion: process.env.DOCKER_API_VERSION || undefined,
          headers: ownHeaders((await readConfig()).HttpHeaders),
          onUnreachable:
            starts && startsDaemon
              ? async () => (await import("./start-daemon.ts")).startDaemon(host, err)
              : undefined,
        });
      })();
      return client;
    },
  };
}

/** `HttpHeaders` of config.json; who we are is not among what it can say. */
function ownHeaders(headers: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== "user-agent"));
}
