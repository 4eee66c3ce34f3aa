// `--docker host=tcp://…,ca=…,cert=…,key=…,skip-tls-verify=…` of `context create` and `update`: the endpoint that it
// describes, looked at whole before anything is kept.
import { parseEndpoint, type TlsMaterial } from "../../sdk/index.ts";
import { parseCsvLine } from "../framework/csv.ts";
import { fail } from "../framework/failure.ts";
import { cut, type Flag, parseBool } from "../framework/flags.ts";
import type { Session } from "../session.ts";
import { contextNamed } from "./named.ts";
import { DOCKER_ENDPOINT, type DockerEndpoint, type TlsFiles } from "./store.ts";
import { checkTls, readPem } from "./tls-files.ts";

/** Pairs separated by commas, quoted as CSV where there are several (spf13/pflag's stringToString). */
export const endpointFlag: Flag<Record<string, string> | undefined> = {
  type: "stringToString",
  usage: "set the docker endpoint (default [])",
  initial: undefined,
  set(text, before) {
    const signs = text.split("=").length - 1;
    const malformed = (pair: string) => new Error(`${pair} must be formatted as key=value`);
    if (signs === 0) throw malformed(text);
    const pairs = signs === 1 ? [text.replace(/^"+|"+$/g, "")] : parseCsvLine(text);
    const fields: Record<string, string> = { ...before };
    for (const pair of pairs) {
      const [key, value] = cut(pair, "=");
      if (value === undefined) throw malformed(pair);
      fields[key] = value;
    }
    return fields;
  },
};

/** The lines about `--docker` in the help of `create` and `update`. */
export const endpointHelp = (verb: string) => `

Docker endpoint config:

NAME                DESCRIPTION
from                Copy named context's Docker endpoint configuration
host                Docker endpoint on which to connect
ca                  Trust certs signed only by this CA
cert                Path to TLS certificate file
key                 Path to TLS key file
skip-tls-verify     Skip TLS certificate validation

Example:

$ docker context ${verb} my-context --description "some description" --docker "host=tcp://myserver:2376,ca=~/ca-file,cert=~/cert-file,key=~/key-file"`;

const KEYS = ["from", "host", "ca", "cert", "key", "skip-tls-verify"];

export interface DescribedEndpoint {
  endpoint: DockerEndpoint;
  tls: TlsFiles;
}

/** Throws a failure that says what of it doesn't fit. */
export async function describedEndpoint(
  session: Session,
  fields: Record<string, string>,
): Promise<DescribedEndpoint> {
  try {
    return await described(session, fields);
  } catch (thrown) {
    throw fail(
      `unable to create docker endpoint config: ${thrown instanceof Error ? thrown.message : thrown}`,
    );
  }
}

async function described(session: Session, fields: Record<string, string>): Promise<DescribedEndpoint> {
  const unknown = Object.keys(fields).filter((key) => !KEYS.includes(key));
  if (unknown.length > 0) throw new Error(unknown.map((key) => `unrecognized config key: ${key}`).join("\n"));
  if (fields.from !== undefined) {
    const { context } = await contextNamed(session, fields.from);
    if (!context.docker)
      throw new Error(`unable to get endpoint from context ${JSON.stringify(fields.from)}`);
    return { endpoint: context.docker, tls: {} }; // Docker's client leaves the other's certificates behind, too
  }
  const tls: TlsMaterial = {};
  for (const part of ["ca", "cert", "key"] as const)
    if (fields[part]) tls[part] = await readPem(fields[part]);
  const SkipTLSVerify = verification(fields["skip-tls-verify"]);
  const host = fields.host ?? "";
  if (host) checkHost(host, tls);
  const files = Object.entries(tls).map(
    ([part, pem]) => [`${part}.pem`, Buffer.from(pem as string)] as const,
  );
  return {
    endpoint: { ...(host && { Host: host }), SkipTLSVerify },
    tls: files.length > 0 ? { [DOCKER_ENDPOINT]: Object.fromEntries(files) } : {},
  };
}

function verification(text: string | undefined): boolean {
  if (text === undefined) return false;
  try {
    return parseBool(text);
  } catch {
    throw new Error(`skip-tls-verify: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
}

/** Everything but the schemes that only Docker's client has: a context may be meant for it alone. */
function checkHost(host: string, tls: TlsMaterial): void {
  const [scheme = "", address] = cut(host, "://");
  const withPort = ["tcp", "http", "https", "ssh"].includes(scheme);
  try {
    if (withPort && address !== "") parseEndpoint(host);
    else if (scheme === "ssh") parseEndpoint(host);
    else if (address === undefined && /^[^/]*:/.test(host) && !/^[a-zA-Z][\w+.-]*:/.test(host))
      throw new Error(`parse ${JSON.stringify(host)}: first path segment in URL cannot contain colon`);
    if (scheme !== "unix") checkTls(tls);
  } catch (thrown) {
    throw new Error(
      `invalid docker endpoint options: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    );
  }
  const cannot = (why: string) => new Error(`unable to apply docker endpoint options: ${why}`);
  if (scheme === "npipe") throw cannot("protocol not available");
  if (!address) throw cannot(`unable to parse docker host \`${host}\``);
}
