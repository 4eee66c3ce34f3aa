// What a URL gives as a context: an archive, or one text that is the Dockerfile (moby, builder/remotecontext/{remote,mimetype}.go).
import { messageOf, systemError } from "../../base/errors.ts";
import type { Archive } from "./context.ts";

const LIMIT = 16 << 20;
/** Types that a server may give; anything else is refused as in Docker. */
const ACCEPTED = /application\/(?:(?:x-)?tar|octet-stream|(?:x-)?(?:gzip|bzip2?|xz))|text\/plain/;

export type RemoteFile = { kind: "archive"; archive: Archive } | { kind: "dockerfile"; text: Uint8Array };

/** Errors: system, as Docker has it for a server that can't be reached, refuses, or gives something else. */
export async function detectRemote(url: string, signal: AbortSignal): Promise<RemoteFile> {
  const failed = (what: string, why: string, cause?: unknown) =>
    systemError(`error ${what} remote ${what === "downloading" ? "context " : ""}${url}: ${why}`, cause);
  const response = await fetch(url, { signal, redirect: "follow" }).catch((thrown: unknown) => {
    signal.throwIfAborted();
    throw failed("downloading", `Get "${url}": ${messageOf(thrown)}`, thrown);
  });
  if (response.status >= 400) {
    const body = (await response.text()).slice(0, 1000).trim();
    throw failed(
      "downloading",
      `failed to GET ${url} with status ${response.status} ${response.statusText}: ${body}`,
    );
  }
  const iterator = (response.body ?? new ReadableStream<Uint8Array>())[Symbol.asyncIterator]();
  const first = response.body ? await iterator.next() : { done: true as const, value: undefined };
  if (first.done) throw failed("detecting content type for", "empty response");
  const said = response.headers.get("content-type") ?? "";
  // Files without an ending are often octet-stream: then their first bytes tell.
  const type = said === "" || said === "application/octet-stream" ? detectType(first.value) : said;
  const accepted = ACCEPTED.exec(type)?.[0];
  if (!accepted) throw failed("detecting content type for", `unsupported Content-Type "${said}"`);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield first.value as Uint8Array;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  if (accepted === "text/plain") return { kind: "dockerfile", text: await whole(chunks(), url) };
  return { kind: "archive", archive: { chunks: chunks() } };
}

const detectType = (head: Uint8Array): string =>
  head.subarray(0, 512).some((byte) => byte < 8 || (byte > 13 && byte < 27) || (byte > 27 && byte < 32))
    ? "application/octet-stream"
    : "text/plain";

async function whole(chunks: AsyncIterable<Uint8Array>, url: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > LIMIT) throw systemError(`the Dockerfile at ${url} has more than ${LIMIT} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}
