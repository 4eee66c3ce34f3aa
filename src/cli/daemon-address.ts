// Which daemon a command speaks to: -H, then --context, DOCKER_HOST, DOCKER_CONTEXT, config.json's current
// context, then our own socket (docker/cli cli/command/cli.go resolveContextName, for the order).
import { DEFAULT_HOST, parseEndpoint, SdkError, type TlsMaterial } from "../sdk/index.ts";
import type { ConfigFile } from "./config-file.ts";
import { fail } from "./framework/failure.ts";
import type { GlobalFlags } from "./global-flags.ts";

export interface DaemonAddress {
  host: string;
  tls?: TlsMaterial;
  context: string;
  /** Nobody named a daemon, so one may be started where none answers. */
  starts: boolean;
}

export async function resolveDaemon(
  globals: GlobalFlags,
  folder: string,
  config: ConfigFile,
): Promise<DaemonAddress> {
  const { context: named, host: hosts } = globals;
  if (named && hosts.length > 0) {
    throw fail("conflicting options: cannot specify both --host and --context");
  }
  if (hosts.length > 1) throw fail("Specify only one -H");
  const host = hosts[0] ?? (named ? undefined : process.env.DOCKER_HOST || undefined);
  const context = host
    ? "default"
    : named || process.env.DOCKER_CONTEXT || config.currentContext || "default";
  try {
    if (context !== "default") return await fromContext(context, folder);
    const tls = await tlsMaterial(globals, folder);
    const address = host ?? DEFAULT_HOST;
    parseEndpoint(address, tls);
    return { host: address, tls, context, starts: host === undefined && !tls };
  } catch (thrown) {
    if (!(thrown instanceof SdkError)) throw thrown;
    throw fail(`Failed to initialize: unable to resolve docker endpoint: ${thrown.message}`);
  }
}

/** TLS is on with --tls, --tlsverify or DOCKER_TLS_VERIFY; files lie in DOCKER_CERT_PATH or the config folder. */
async function tlsMaterial(globals: GlobalFlags, folder: string): Promise<TlsMaterial | undefined> {
  const verify = globals.tlsverify || Boolean(process.env.DOCKER_TLS_VERIFY);
  if (!verify && !globals.tls && !process.env.DOCKER_TLS) return undefined;
  const certificates = process.env.DOCKER_CERT_PATH || folder;
  const [ca, cert, key] = await Promise.all([
    readPem(globals.tlscacert, `${certificates}/ca.pem`),
    readPem(globals.tlscert, `${certificates}/cert.pem`),
    readPem(globals.tlskey, `${certificates}/key.pem`),
  ]);
  return { ca, cert, key, verify };
}

async function readPem(named: string, fallback: string): Promise<string | undefined> {
  const file = Bun.file(named || fallback);
  if (!named && !(await file.exists())) return undefined;
  try {
    return await file.text();
  } catch {
    throw fail(
      `Failed to initialize: unable to resolve docker endpoint: open ${named}: no such file or directory`,
    );
  }
}

interface ContextMetadata {
  Name: string;
  Endpoints?: { docker?: { Host?: string; SkipTLSVerify?: boolean } };
}

/** A context lies in contexts/meta/<sha256 of its name>/meta.json, its certificates in contexts/tls/…/docker. */
async function fromContext(name: string, folder: string): Promise<DaemonAddress> {
  const id = new Bun.CryptoHasher("sha256").update(name).digest("hex");
  const file = Bun.file(`${folder}/contexts/meta/${id}/meta.json`);
  if (!(await file.exists())) {
    throw fail(
      `Failed to initialize: unable to resolve docker endpoint: context ${JSON.stringify(name)}: context not found: open ${folder}/contexts/meta/${id}/meta.json: no such file or directory`,
    );
  }
  const { Endpoints } = (await file.json()) as ContextMetadata;
  const docker = Endpoints?.docker ?? {};
  const [ca, cert, key] = await Promise.all(
    ["ca.pem", "cert.pem", "key.pem"].map(async (one) => {
      const pem = Bun.file(`${folder}/contexts/tls/${id}/docker/${one}`);
      return (await pem.exists()) ? pem.text() : undefined;
    }),
  );
  const tls = ca || cert || key ? { ca, cert, key, verify: !docker.SkipTLSVerify } : undefined;
  return { host: docker.Host ?? DEFAULT_HOST, tls, context: name, starts: false };
}
