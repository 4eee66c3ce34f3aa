// The flags before the command: which daemon, and how to reach it.
import { type Flag, type FlagValues, flag } from "./framework/flags.ts";

const ONE_HOST: Flag<string[]> = {
  type: "string",
  usage: "Daemon socket to connect to",
  short: "H",
  initial: [],
  set(text, before) {
    if (before.length > 0) throw new Error("specify only one -H");
    return text.trim() === "" ? [] : [text];
  },
};

export function globalFlags(configFolder: string) {
  return {
    config: flag.string(`Location of client config files (default ${JSON.stringify(configFolder)})`),
    context: flag.string(
      'Name of the context to use to connect to the daemon (overrides DOCKER_HOST env var and default context set with "docker context use")',
      { short: "c" },
    ),
    debug: flag.bool("Enable debug mode", { short: "D" }),
    host: ONE_HOST,
    "log-level": flag.string(
      'Set the logging level ("debug", "info", "warn", "error", "fatal") (default "info")',
      { short: "l", default: "info" },
    ),
    tls: flag.bool("Use TLS; implied by --tlsverify"),
    tlscacert: flag.string(
      `Trust certs signed only by this CA (default ${JSON.stringify(`${configFolder}/ca.pem`)})`,
    ),
    tlscert: flag.string(
      `Path to TLS certificate file (default ${JSON.stringify(`${configFolder}/cert.pem`)})`,
    ),
    tlskey: flag.string(`Path to TLS key file (default ${JSON.stringify(`${configFolder}/key.pem`)})`),
    tlsverify: flag.bool("Use TLS and verify the remote"),
    version: flag.bool("Print version information and quit", { short: "v" }),
  };
}

export type GlobalFlags = FlagValues<ReturnType<typeof globalFlags>>;

/** The flags with which of them were given: some mean more by that alone. */
export interface GivenGlobals {
  flags: GlobalFlags;
  given: ReadonlySet<string>;
}
