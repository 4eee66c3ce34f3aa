// A repository over HTTP: the verbs of the distribution specification (spec.md, "Pull", "Push", "Content Discovery").
import { notFound } from "../base/errors.ts";
import { type Digest, isDigest } from "../oci/digest.ts";
import { canonical, familiarRepository, type Reference } from "../oci/reference.ts";
import { type Descriptor, MEDIA } from "../oci/types.ts";
import { type Answer, Connection, mayPass, pause } from "./connection.ts";
import { endpointsOf } from "./endpoints.ts";
import { refusal, wrongContent } from "./errors.ts";
import { bodyOf, smallBody } from "./transport.ts";
import type { BlobBody, FetchedManifest, RegistryAuth, RegistrySettings, Repository } from "./types.ts";

/** What we ask manifests as; schema 1 is named so that a registry answers with it and we can say why we refuse. */
const ACCEPT = [MEDIA.ociIndex, MEDIA.ociManifest, MEDIA.dockerList, MEDIA.dockerManifest, "*/*"].join(", ");
/** The limit that registries have for a manifest (spec.md, "Pushing Manifests": 4 MiB at least). */
const MAX_MANIFEST = 8 << 20;
const MAX_ERROR_BODY = 64 << 10;
const MAX_TAG_PAGE = 16 << 20;
const CHUNK = 16 << 20;

export interface OpenRepositoryOptions {
  settings: RegistrySettings;
  auth?: RegistryAuth;
  use: "pull" | "push";
  signal: AbortSignal;
  /** Milliseconds for the very first answer; default: as long as any other. */
  firstAnswerWithin?: number;
}

/** Nothing is sent before the first verb is called. */
export async function openRepository(
  reference: Reference,
  options: OpenRepositoryOptions,
): Promise<Repository> {
  const { settings, auth, use, signal, firstAnswerWithin } = options;
  const connection = new Connection({
    endpoints: await endpointsOf(reference.domain, settings, use),
    auth,
    scopes: [`repository:${reference.path}:${use === "push" ? "pull,push" : "pull"}`],
    attempts: Math.max(1, settings.maxDownloadAttempts),
    signal,
    firstAnswerWithin,
  });
  return new HttpRepository(reference, connection, Math.max(1, settings.maxDownloadAttempts));
}

class HttpRepository implements Repository {
  /** Upload sessions that a refused mount left open, for the upload that follows. */
  private readonly sessions = new Map<Digest, string>();

  constructor(
    readonly reference: Reference,
    private readonly connection: Connection,
    private readonly attempts: number,
  ) {}

  get reached(): boolean {
    return this.connection.reached;
  }

  private at(rest: string): string {
    return `${this.reference.path}/${rest}`;
  }

  async resolve(tagOrDigest: string): Promise<Descriptor> {
    const path = this.at(`manifests/${tagOrDigest}`);
    const { response, url } = await this.connection.request({
      method: "HEAD",
      path,
      headers: { accept: ACCEPT },
    });
    await response.body?.cancel();
    if (response.status === 404) throw this.missing(tagOrDigest);
    if (!response.ok && response.status !== 405)
      throw refusal("HEAD", url, response.status, new Uint8Array());
    const digest = response.headers.get("docker-content-digest") ?? "";
    const mediaType = mediaTypeOf(response);
    const size = Number(response.headers.get("content-length") ?? Number.NaN);
    if (!response.ok || !isDigest(digest) || !mediaType || !Number.isInteger(size)) {
      const found = await this.get(tagOrDigest);
      return { mediaType: found.mediaType, digest: found.digest, size: found.bytes.length };
    }
    if (isDigest(tagOrDigest) && digest !== tagOrDigest)
      throw wrongContent(`the registry answers ${digest} when it is asked for ${tagOrDigest}`);
    return { mediaType, digest, size };
  }

  async manifest(digest: Digest): Promise<FetchedManifest> {
    return await this.get(digest);
  }

  private async get(tagOrDigest: string): Promise<FetchedManifest> {
    const path = this.at(`manifests/${tagOrDigest}`);
    const answer = await this.connection.request({ method: "GET", path, headers: { accept: ACCEPT } });
    const { response, url } = answer;
    if (response.status === 404) {
      await response.body?.cancel();
      throw this.missing(tagOrDigest);
    }
    if (!response.ok) throw await this.refused("GET", answer);
    const bytes = await smallBody(response, url, MAX_MANIFEST);
    const asked = isDigest(tagOrDigest) ? tagOrDigest : undefined;
    const digest = digestLike(asked ?? "sha256:", bytes);
    if (asked && digest !== asked)
      throw wrongContent(`unexpected commit digest ${digest}, expected ${asked}: failed precondition`);
    return { bytes, digest, mediaType: mediaTypeOf(response) || declaredMediaType(bytes) };
  }

  async blob(descriptor: Descriptor, offset: number, signal?: AbortSignal): Promise<BlobBody> {
    const answer = await this.connection.request({
      method: "GET",
      path: this.at(`blobs/${descriptor.digest}`),
      headers: offset > 0 ? { range: `bytes=${offset}-` } : {},
      signal,
    });
    const { response, url } = answer;
    if (response.status === 404) {
      await response.body?.cancel();
      throw notFound(
        `blob ${descriptor.digest} not found in ${familiarRepository(this.reference)}: not found`,
      );
    }
    // 416: we hold more than there is. Asked from the start, the digest will tell.
    if (response.status === 416 && offset > 0) {
      await response.body?.cancel();
      return await this.blob(descriptor, 0, signal);
    }
    if (!response.ok) throw await this.refused("GET", answer);
    const start = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
    if (response.status === 206 && Number(start) !== offset) {
      await response.body?.cancel();
      return await this.blob(descriptor, 0, signal);
    }
    return { body: bodyOf(response, url), offset: response.status === 206 ? offset : 0 };
  }

  async tags(): Promise<string[]> {
    const tags: string[] = [];
    let path: string | undefined = this.at("tags/list");
    while (path !== undefined) {
      const answer: Answer = await this.connection.request({ method: "GET", path });
      if (answer.response.status === 404) {
        await answer.response.body?.cancel();
        throw notFound(`${canonicalName(this.reference)}: not found`);
      }
      if (!answer.response.ok) throw await this.refused("GET", answer);
      const bytes = await smallBody(answer.response, answer.url, MAX_TAG_PAGE);
      const page = JSON.parse(new TextDecoder().decode(bytes)) as { tags?: string[] | null };
      tags.push(...(page.tags ?? []).filter((tag) => typeof tag === "string"));
      path = nextPage(answer);
    }
    return tags;
  }

  async hasBlob(digest: Digest): Promise<boolean> {
    return await this.has(this.at(`blobs/${digest}`), {});
  }

  async hasManifest(tagOrDigest: string, digest: Digest): Promise<boolean> {
    const answer = await this.head(this.at(`manifests/${tagOrDigest}`), { accept: ACCEPT });
    return answer.response.ok && (answer.response.headers.get("docker-content-digest") ?? "") === digest;
  }

  private async has(path: string, headers: Record<string, string>): Promise<boolean> {
    return (await this.head(path, headers)).response.ok;
  }

  /** A HEAD whose only acceptable answers are "here" and "not here". */
  private async head(path: string, headers: Record<string, string>): Promise<Answer> {
    const answer = await this.connection.request({ method: "HEAD", path, headers });
    await answer.response.body?.cancel();
    if (!answer.response.ok && answer.response.status !== 404)
      throw refusal("HEAD", answer.url, answer.response.status, new Uint8Array());
    return answer;
  }

  async mountBlob(digest: Digest, from: string): Promise<boolean> {
    const query = new URLSearchParams({ mount: digest, from });
    const answer = await this.connection.request({
      method: "POST",
      path: this.at(`blobs/uploads/?${query}`),
      scopes: [`repository:${from}:pull`],
      headers: { "content-length": "0" },
    });
    await answer.response.body?.cancel();
    if (answer.response.status === 201) return true;
    const location = answer.response.headers.get("location");
    if (answer.response.status === 202 && location)
      this.sessions.set(digest, new URL(location, answer.url).href);
    return false;
  }

  async uploadBlob(
    descriptor: Descriptor,
    open: (from: number) => Blob,
    sent: (bytes: number) => void,
  ): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.uploadOnce(descriptor, open, sent);
      } catch (error) {
        const passing =
          mayPass(error) ||
          [500, 502, 503, 504, 429].includes((error as { httpStatus?: number }).httpStatus ?? 0);
        if (attempt >= this.attempts || !passing) throw error;
        await pause(attempt, this.connection.signal);
      }
    }
  }

  private async uploadOnce(
    descriptor: Descriptor,
    open: (from: number) => Blob,
    sent: (bytes: number) => void,
  ): Promise<void> {
    const location = await this.startUpload(descriptor.digest);
    const answer = await this.connection.request({
      method: "PUT",
      path: withDigestParameter(location, descriptor.digest),
      headers: { "content-type": "application/octet-stream", "content-length": String(descriptor.size) },
      body: () => counted(open(0), sent),
      retry: false,
    });
    if (answer.response.status === 201) {
      await answer.response.body?.cancel();
      return;
    }
    // A proxy in front with a limit on bodies, or a registry that knows pieces only.
    if ([405, 411, 413].includes(answer.response.status)) {
      await answer.response.body?.cancel();
      return await this.uploadInPieces(descriptor, open, sent);
    }
    throw await this.refused("PUT", answer);
  }

  private async uploadInPieces(
    descriptor: Descriptor,
    open: (from: number) => Blob,
    sent: (bytes: number) => void,
  ): Promise<void> {
    let location = await this.startUpload(descriptor.digest);
    for (let from = 0; from < descriptor.size; from += CHUNK) {
      const size = Math.min(CHUNK, descriptor.size - from);
      const answer = await this.connection.request({
        method: "PATCH",
        path: location,
        headers: {
          "content-type": "application/octet-stream",
          "content-length": String(size),
          "content-range": `${from}-${from + size - 1}`,
        },
        body: () => open(from).slice(0, size),
        retry: false,
      });
      if (answer.response.status !== 202) throw await this.refused("PATCH", answer);
      await answer.response.body?.cancel();
      location = new URL(answer.response.headers.get("location") ?? location, answer.url).href;
      sent(from + size);
    }
    const path = withDigestParameter(location, descriptor.digest);
    const last = await this.connection.request({
      method: "PUT",
      path,
      headers: { "content-length": "0" },
      retry: false,
    });
    if (last.response.status !== 201) throw await this.refused("PUT", last);
    await last.response.body?.cancel();
  }

  /** The URL of an upload session. */
  private async startUpload(digest: Digest): Promise<string> {
    const open = this.sessions.get(digest);
    this.sessions.delete(digest);
    if (open) return open;
    const answer = await this.connection.request({
      method: "POST",
      path: this.at("blobs/uploads/"),
      headers: { "content-length": "0" },
    });
    const location = answer.response.headers.get("location");
    if (answer.response.status !== 202 || !location) throw await this.refused("POST", answer);
    await answer.response.body?.cancel();
    return new URL(location, answer.url).href;
  }

  async putManifest(tagOrDigest: string, bytes: Uint8Array, mediaType: string): Promise<void> {
    const answer = await this.connection.request({
      method: "PUT",
      path: this.at(`manifests/${tagOrDigest}`),
      headers: { "content-type": mediaType },
      body: () => bytes as Uint8Array<ArrayBuffer>,
    });
    if (answer.response.status !== 201 && answer.response.status !== 200)
      throw await this.refused("PUT", answer);
    await answer.response.body?.cancel();
  }

  private async refused(method: string, { response, url }: Answer): Promise<Error> {
    const body = await smallBody(response, url, MAX_ERROR_BODY).catch(() => new Uint8Array());
    return refusal(method, url, response.status, body);
  }

  private missing(tagOrDigest: string): Error {
    const name = `${canonicalName(this.reference)}${isDigest(tagOrDigest) ? "@" : ":"}${tagOrDigest}`;
    return notFound(`${name}: not found`);
  }
}

const canonicalName = ({ domain, path }: Reference): string => canonical({ domain, path });

const mediaTypeOf = (response: Response): string =>
  (response.headers.get("content-type") ?? "").split(";", 1)[0]?.trim() ?? "";

function declaredMediaType(bytes: Uint8Array): string {
  try {
    return String((JSON.parse(new TextDecoder().decode(bytes)) as { mediaType?: unknown }).mediaType ?? "");
  } catch {
    return "";
  }
}

/** The digest of some bytes by the algorithm of another digest. */
export function digestLike(like: string, bytes: Uint8Array): Digest {
  const algorithm = like.startsWith("sha512:") ? "sha512" : "sha256";
  return `${algorithm}:${new Bun.CryptoHasher(algorithm).update(bytes).digest("hex")}` as Digest;
}

/** `Link: </v2/…?n=…>; rel="next"` (spec.md, "Listing Tags"), only within the same registry. */
function nextPage({ response, url }: Answer): string | undefined {
  const target = /<([^>]*)>\s*;\s*rel="?next"?/.exec(response.headers.get("link") ?? "")?.[1];
  if (target === undefined) return undefined;
  const next = new URL(target, url);
  return next.host === new URL(url).host ? next.href : undefined;
}

function withDigestParameter(location: string, digest: Digest): string {
  const url = new URL(location);
  url.searchParams.set("digest", digest);
  return url.href;
}

/** The blob's bytes as a stream that tells how many were taken. */
function counted(blob: Blob, sent: (bytes: number) => void): ReadableStream<Uint8Array> {
  const reader = blob.stream().getReader();
  let total = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value, done } = await reader.read();
        if (done) return controller.close();
        total += value.length;
        sent(total);
        controller.enqueue(value);
      },
      async cancel() {
        await reader.cancel();
      },
    },
    { highWaterMark: 1 },
  );
}
