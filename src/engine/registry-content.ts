// What our client asks of a registry through the daemon, which has the connections and the certificates: manifests and small
// blobs as they are, nothing of which is kept here. Errors are in the words of Docker's buildx, whose users see them.
import { BerthError, invalid, systemError, unavailable } from "../base/errors.ts";
import type { Digest } from "../oci/digest.ts";
import { parseReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import { type Descriptor, isIndex, isManifest } from "../oci/types.ts";
import {
  digestLike,
  type FetchedManifest,
  NetworkError,
  openRepository,
  type RegistryAuth,
  RegistryError,
  type Repository,
} from "../registry/index.ts";
import type { Engine } from "./types.ts";

/** Bytes that registries take a manifest of (distribution-spec, "Pushing Manifests"). */
export const MANIFEST_LIMIT = 4 << 20;
/** Bytes of a blob that is read whole: a config, or an attestation. */
const BLOB_LIMIT = 64 << 20;

export interface RegistryRequest {
  auth?: RegistryAuth;
  signal: AbortSignal;
}

/** The manifest of a tag (default `latest`) or digest. Errors: not-found, unauthorized, invalid for too much. */
export async function readRegistryManifest(
  engine: Pick<Engine, "config">,
  name: string,
  request: RegistryRequest,
): Promise<FetchedManifest> {
  const reference = withDefaultTag(parseReference(name));
  return await inRegistry(engine, reference, "pull", request, async (repository) => {
    const root = reference.digest
      ? { digest: reference.digest, size: 0 }
      : await repository.resolve(reference.tag ?? "");
    if (root.size > MANIFEST_LIMIT) throw tooLarge(name, MANIFEST_LIMIT);
    const found = await repository.manifest(root.digest);
    if (found.bytes.length > MANIFEST_LIMIT) throw tooLarge(name, MANIFEST_LIMIT);
    return found;
  });
}

/** Puts a manifest or index under a tag or its digest; what it names has to be there. Errors: invalid, unauthorized. */
export async function writeRegistryManifest(
  engine: Pick<Engine, "config">,
  name: string,
  { mediaType, bytes, ...request }: RegistryRequest & { mediaType: string; bytes: Uint8Array },
): Promise<Digest> {
  const reference = parseReference(name);
  const digest = digestLike(reference.digest ?? "sha256:", bytes);
  const place = reference.tag ?? reference.digest;
  if (place === undefined) throw invalid(`${name}: a manifest is put under a tag or a digest`);
  if (!isIndex(mediaType) && !isManifest(mediaType))
    throw invalid(`unsupported media type ${mediaType || '""'}: neither an image nor an index`);
  if (bytes.length > MANIFEST_LIMIT) throw tooLarge(name, MANIFEST_LIMIT);
  checkDocument(bytes, mediaType);
  if (reference.digest && reference.digest !== digest)
    throw invalid(`${name}: the manifest that was sent has the digest ${digest}`);
  await inRegistry(engine, reference, "push", request, (repository) =>
    repository.putManifest(place, bytes, mediaType),
  );
  return digest;
}

function checkDocument(bytes: Uint8Array, mediaType: string): void {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw invalid("the manifest is not JSON", cause);
  }
  if (typeof document !== "object" || document === null || Array.isArray(document))
    throw invalid("the manifest is not a JSON object");
  const declared = (document as Partial<Descriptor>).mediaType;
  if (declared && declared !== mediaType)
    throw invalid(`the manifest calls itself ${String(declared)}, not ${mediaType}`);
}

/**
 * A blob's bytes, by a name with its digest. They are checked at their end: a failure then is a broken stream.
 * Errors: not-found, unauthorized, invalid for too much.
 */
export async function readRegistryBlob(
  engine: Pick<Engine, "config">,
  name: string,
  request: RegistryRequest,
): Promise<AsyncIterable<Uint8Array>> {
  const reference = parseReference(name);
  const { digest } = reference;
  if (!digest) throw invalid(`${name}: a blob is named by its digest`);
  return await inRegistry(engine, reference, "pull", request, async (repository) => {
    const { body } = await repository.blob({ mediaType: "", digest, size: 0 }, 0);
    return checked(body, digest);
  });
}

async function* checked(body: AsyncIterable<Uint8Array>, digest: Digest): AsyncGenerator<Uint8Array> {
  const [algorithm = ""] = digest.split(":");
  const hasher = new Bun.CryptoHasher(algorithm === "sha512" ? "sha512" : "sha256");
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > BLOB_LIMIT) throw tooLarge(digest, BLOB_LIMIT);
    hasher.update(chunk);
    yield chunk;
  }
  if (`${algorithm}:${hasher.digest("hex")}` !== digest)
    throw systemError(`${digest}: the registry sends other content`);
}

const tooLarge = (name: string, limit: number): Error =>
  invalid(`${name} has more than ${limit} bytes: too large to be read as a whole`);

/** Runs `work` with a repository, and gives its errors the words that buildx has for them. */
export async function inRegistry<T>(
  { config }: Pick<Engine, "config">,
  reference: Reference,
  use: "pull" | "push",
  { auth, signal }: RegistryRequest,
  work: (repository: Repository) => Promise<T>,
): Promise<T> {
  try {
    return await work(await openRepository(reference, { settings: config, auth, use, signal }));
  } catch (error) {
    signal.throwIfAborted();
    throw inBuildxWords(error, use);
  }
}

/**
 * Refused without credentials is said otherwise than refused with them, which the registry says itself. An error that has its words
 * stays as it is.
 */
export function inBuildxWords(error: unknown, use: "pull" | "push"): unknown {
  if (error instanceof NetworkError) return unavailable(`failed to do request: ${error.message}`, error);
  if (error instanceof BerthError && error.kind === "unauthorized" && !(error instanceof RegistryError))
    return new RegistryError(
      "unauthorized",
      `${use} access denied, repository does not exist or may require authorization: authorization failed: ${error.message}`,
      401,
    );
  return error;
}
