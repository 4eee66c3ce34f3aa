// What the API asks a registry without bringing anything here: POST /auth, GET /distribution/{name}/json,
// GET /images/search.
import type { DistributionInspect, OCIPlatform } from "../api/types/image.ts";
import { BerthError, notFound, systemError, unauthorized } from "../base/errors.ts";
import { canonical, familiar, parseReference, withDefaultTag } from "../oci/reference.ts";
import {
  type Descriptor,
  type ImageConfig,
  type Index,
  isIndex,
  isManifest,
  type Manifest,
} from "../oci/types.ts";
import { login, NetworkError, openRepository, type RegistryAuth } from "../registry/index.ts";
import type { ImageContext } from "./context.ts";
import { platformOf } from "./manifests.ts";

const CONFIG_LIMIT = 8 << 20;

/** POST /auth: tries the credentials at the registry. Errors: unauthorized in the registry's words. */
export async function checkAuth(
  { config }: Pick<ImageContext, "config">,
  auth: RegistryAuth,
  signal: AbortSignal = AbortSignal.timeout(30_000),
): Promise<{ Status: string; IdentityToken: string }> {
  const { identityToken } = await login(auth, config, signal);
  return { Status: "Login Succeeded", IdentityToken: identityToken };
}

/** The X-Registry-Auth header: base64url of a JSON object. Anything else counts as none, as it does in dockerd. */
export function decodeRegistryAuth(header: string | undefined): RegistryAuth | undefined {
  if (!header) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(header, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
  return readAuth(parsed);
}

/**
 * The X-Registry-Config header of builds: base64url of a map from registries to credentials, keys as in clients' files (a host, or an
 * address like `https://index.docker.io/v1/`). Answers a look-up by host. Anything else counts as none.
 */
export function decodeRegistryConfig(header: string | undefined): (host: string) => RegistryAuth | undefined {
  const known = new Map<string, RegistryAuth>();
  try {
    const parsed: unknown = JSON.parse(Buffer.from(header ?? "", "base64url").toString("utf8"));
    for (const [key, value] of Object.entries(parsed ?? {})) {
      const auth = readAuth(value);
      if (auth) known.set(hostOf(key), auth);
    }
  } catch {
    // As dockerd: without credentials it may still go well.
  }
  return (host) => known.get(hostOf(host));
}

const HUB_HOSTS = new Set(["index.docker.io", "registry-1.docker.io"]);

function hostOf(address: string): string {
  const host = address.replace(/^https?:\/\//, "").split("/", 1)[0] ?? "";
  return HUB_HOSTS.has(host) ? "docker.io" : host;
}

function readAuth(parsed: unknown): RegistryAuth | undefined {
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const auth: RegistryAuth = {};
  for (const field of ["username", "password", "identitytoken", "registrytoken", "serveraddress"] as const) {
    const value = (parsed as Record<string, unknown>)[field];
    if (typeof value === "string" && value !== "") auth[field] = value;
  }
  const old = (parsed as Record<string, unknown>).auth;
  if (typeof old === "string" && old && !auth.username) Object.assign(auth, splitBasic(old));
  return Object.keys(auth).length > 0 ? auth : undefined;
}

/** `auth` of old clients: base64 of "user:password". */
function splitBasic(encoded: string): RegistryAuth {
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const at = text.indexOf(":");
  return at < 0 ? {} : { username: text.slice(0, at), password: text.slice(at + 1) };
}

/** GET /distribution/{name}/json. Errors: not-found, unauthorized. */
export async function inspectDistribution(
  { config }: Pick<ImageContext, "config">,
  text: string,
  options: { auth?: RegistryAuth; signal: AbortSignal },
): Promise<DistributionInspect> {
  const reference = withDefaultTag(parseReference(text));
  const repository = await openRepository(reference, {
    settings: config,
    auth: options.auth,
    use: "pull",
    signal: options.signal,
  });
  try {
    const root = await repository.resolve(reference.digest ?? reference.tag ?? "latest");
    const { bytes } = await repository.manifest(root.digest);
    const document: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const Platforms = await platformsOf(document, root, async (descriptor) => {
      const chunks: Uint8Array[] = [];
      if (descriptor.size > CONFIG_LIMIT) return undefined;
      for await (const chunk of (await repository.blob(descriptor, 0)).body) chunks.push(chunk);
      return JSON.parse(Buffer.concat(chunks).toString("utf8")) as ImageConfig;
    });
    return { Descriptor: root, Platforms: Platforms as OCIPlatform[] };
  } catch (error) {
    options.signal.throwIfAborted();
    if (error instanceof NetworkError) throw systemError(`${canonical(reference)}: ${error.message}`, error);
    if (error instanceof BerthError && error.kind === "not-found")
      throw notFound("manifest unknown: manifest unknown", error);
    if (error instanceof BerthError && error.kind === "forbidden") throw unauthorized(error.message, error);
    if (error instanceof SyntaxError)
      throw systemError(`${familiar(reference)}: the registry's answer is not JSON`);
    throw error;
  }
}

async function platformsOf(
  document: unknown,
  root: Descriptor,
  readConfig: (descriptor: Descriptor) => Promise<ImageConfig | undefined>,
): Promise<OCIPlatform[]> {
  if (isIndex(root.mediaType))
    return ((document as Index).manifests ?? []).flatMap(({ platform }) => (platform ? [platform] : []));
  if (!isManifest(root.mediaType)) return [];
  const config = await readConfig((document as Manifest).config);
  return config ? [platformOf(config)] : [];
}
