// Which daemon a command speaks to: -H, then --context, DOCKER_HOST, DOCKER_CONTEXT, config.json's current
// context, then our own socket (docker/cli cli/command/cli.go resolveContextName, for the order).
import { DEFAULT_HOST, parseEndpoint, type TlsMaterial } from "../sdk/index.ts";
import type { ConfigFile } from "./config-file.ts";
import { fail } from "./framework/failure.ts";
import type { GivenGlobals } from "./global-flags.ts";

export interface DaemonAddress {
  host: string;
  tls?: TlsMaterial;
  context: string;
  /** Nobody named a daemon, so one may be started where none answers. */
  starts: boolean;
}

/** What Docker's client finds out only when it makes the connection. */
const CONNECTING =
  /^ssh host|^parse "ssh:|^protocol not|^failed to retrieve context tls|^no valid private key|^private key is/;

/** Where Docker's client looks for a daemon that takes TLS alone, unless told otherwise. */
const DEFAULT_TLS_HOST = "tcp://localhost:2376";

/** The context that is meant, there or not. A daemon that is named itself is the default context's. */
export function currentContext({ flags }: GivenGlobals, config: ConfigFile): string {
  if (flags.context && flags.host.length > 0) {
    throw fail("conflicting options: cannot specify both --host and --context");
  }
  if (flags.context) return flags.context;
  if (flags.host.length > 0 || process.env.DOCKER_HOST) return "default";
  return process.env.DOCKER_CONTEXT || config.currentContext || "default";
}

/** The daemon of the current context. Throws a failure that says why there is none. */
export async function resolveDaemon(
  globals: GivenGlobals,
  folder: string,
  config: ConfigFile,
): Promise<DaemonAddress> {
  const context = currentContext(globals, config);
  try {
    if (context !== "default") return await fromContext(context, folder);
    const address = await defaultAddress(globals, folder);
    parseEndpoint(address.host, address.tls);
    if (address.tls) (await import("./contexts/tls-files.ts")).checkTls(address.tls);
    return address;
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === "CommandFailure") throw thrown;
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    throw fail(
      `Failed to initialize: ${CONNECTING.test(text) ? "" : "unable to resolve docker endpoint: "}${text}`,
    );
  }
}

/**
 * The default context: what -H, DOCKER_HOST and the TLS flags say, or our own socket. Throws an Error for an address
 * that is none, and for certificates that can't be read.
 */
export async function defaultAddress(globals: GivenGlobals, folder: string): Promise<DaemonAddress> {
  const host = (globals.flags.host[0] ?? process.env.DOCKER_HOST ?? "").trim();
  const tls = await tlsMaterial(globals, folder);
  const address = host || (tls ? DEFAULT_TLS_HOST : DEFAULT_HOST);
  return { host: wholeHost(address, tls), tls, context: "default", starts: host === "" && !tls };
}

/** As Docker shows it: with scheme and port. What the connection itself has to judge (ssh) stays as it was given. */
function wholeHost(address: string, tls: TlsMaterial | undefined): string {
  return /^(?:ssh|npipe|fd):\/\//.test(address) ? address : parseEndpoint(address, tls).host;
}

/** TLS is on with --tls, --tlsverify (given at all) or DOCKER_TLS_VERIFY; files lie in DOCKER_CERT_PATH or the config folder. */
async function tlsMaterial(globals: GivenGlobals, folder: string): Promise<TlsMaterial | undefined> {
  const { flags, given } = globals;
  const fromEnvironment = Boolean(process.env.DOCKER_TLS_VERIFY);
  const verify = given.has("tlsverify") ? flags.tlsverify : fromEnvironment;
  const on = flags.tls || verify || given.has("tlsverify") || Boolean(process.env.DOCKER_TLS);
  if (!on) return undefined;
  const { readPem } = await import("./contexts/tls-files.ts");
  const certificates = process.env.DOCKER_CERT_PATH || folder;
  // Whom to trust has to be said; who we are only to daemons that ask.
  const ca = await readPem(flags.tlscacert || `${certificates}/ca.pem`);
  const optional = async (named: string, usual: string) =>
    named || (await Bun.file(usual).exists()) ? readPem(named || usual) : undefined;
  const cert = await optional(flags.tlscert, `${certificates}/cert.pem`);
  const key = await optional(flags.tlskey, `${certificates}/key.pem`);
  return { ca, cert, key, verify };
}

async function fromContext(name: string, folder: string): Promise<DaemonAddress> {
  const { DOCKER_ENDPOINT, readContext, readTls } = await import("./contexts/store.ts");
  const { docker } = await readContext(folder, name);
  if (!docker) throw new Error("cannot find docker endpoint in context");
  const files = (await readTls(folder, name))[DOCKER_ENDPOINT] ?? {};
  const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((one) => files[one]?.toString());
  const host = docker.Host ?? DEFAULT_HOST;
  const wanted = Boolean(ca || cert || key || docker.SkipTLSVerify) && !host.startsWith("unix://");
  const tls = wanted ? { ca, cert, key, verify: !docker.SkipTLSVerify } : undefined;
  if (tls) (await import("./contexts/tls-files.ts")).checkTls(tls);
  parseEndpoint(host, tls);
  return { host, tls, context: name, starts: false };
}
