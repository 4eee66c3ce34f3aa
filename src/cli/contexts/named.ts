// A context by its name, the default one among them: that one isn't on disk but follows from -H, DOCKER_HOST and the
// TLS flags.
import { DEFAULT_HOST, type TlsMaterial } from "../../sdk/index.ts";
import type { Session } from "../session.ts";
import {
  type Context,
  DEFAULT_CONTEXT,
  DOCKER_ENDPOINT,
  listContexts,
  readContext,
  readTls,
  storageOf,
  type TlsFiles,
} from "./store.ts";

/** What a list, and a copy, says of it. */
export const DEFAULT_DESCRIPTION = "Current DOCKER_HOST based configuration";
const IN_MEMORY = "<IN MEMORY>";

export interface NamedContext {
  context: Context;
  tls: TlsFiles;
  storage: { MetadataPath: string; TLSPath: string };
}

/** Throws for a context that isn't there or can't be read. */
export async function contextNamed(session: Session, name: string): Promise<NamedContext> {
  if (name === DEFAULT_CONTEXT) return defaultContext(session);
  const folder = session.configFolder;
  const context = await readContext(folder, name);
  return { context, tls: await readTls(folder, name), storage: storageOf(folder, name) };
}

async function defaultContext(session: Session): Promise<NamedContext> {
  const { host, tls } = await session.defaultAddress();
  const context: Context = {
    name: DEFAULT_CONTEXT,
    description: "",
    fields: {},
    docker: { Host: host || DEFAULT_HOST, SkipTLSVerify: tls?.verify === false },
    otherEndpoints: {},
  };
  return { context, tls: filesOf(tls), storage: { MetadataPath: IN_MEMORY, TLSPath: IN_MEMORY } };
}

function filesOf(tls: TlsMaterial | undefined): TlsFiles {
  const files: Record<string, Uint8Array> = {};
  for (const part of ["ca", "cert", "key"] as const) {
    const pem = tls?.[part];
    if (pem !== undefined) files[`${part}.pem`] = Buffer.from(pem);
  }
  return Object.keys(files).length > 0 ? { [DOCKER_ENDPOINT]: files } : {};
}

/** All contexts, the default one included, in no order. */
export async function allContexts(session: Session): Promise<Context[]> {
  const own = await listContexts(session.configFolder);
  const { context } = await defaultContext(session);
  return [...own, { ...context, description: DEFAULT_DESCRIPTION }];
}
