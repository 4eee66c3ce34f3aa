// Blobs in a folder of the client's: containerd's content service over its session. The header says which of its folders
// (BuildKit, session/content: `buildkit-attachable-store-id`).
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { invalid } from "../../base/errors.ts";
import { Content, WriteAction } from "../../buildkit/messages/content_pb.ts";
import type { Digest } from "../../oci/digest.ts";
import type { Session } from "./sessions.ts";

export interface ClientStore {
  /** Bytes. Errors: the client's, also where it has no such blob. */
  size(digest: Digest): Promise<number>;
  read(digest: Digest, offset: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Fine when it is there already. */
  write(
    blob: { digest: Digest; size: number },
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void>;
}

/** `id`: what the client calls the folder. Errors: invalid where it serves none. */
export function openClientStore(session: Session, id: string): ClientStore {
  if (!session.serves("/containerd.services.content.v1.Content/Info"))
    throw invalid(`the client serves no folder of blobs: ${id} can't be reached`);
  const client = createClient(Content, session.grpc.transport);
  const headers = { "buildkit-attachable-store-id": id };
  return {
    async size(digest) {
      return Number((await client.info({ digest }, { headers })).info?.size ?? 0n);
    },
    async *read(digest, offset, signal) {
      for await (const { data } of client.read({ digest, offset: BigInt(offset) }, { headers, signal }))
        yield data;
    },
    async write({ digest, size }, chunks, signal) {
      const facts = { ref: `${id}-${digest}`, expected: digest, total: BigInt(size) };
      async function* requests() {
        yield { ...facts, action: WriteAction.STAT };
        let offset = 0n;
        for await (const data of chunks) {
          yield { ...facts, action: WriteAction.WRITE, offset, data };
          offset += BigInt(data.length);
        }
        yield { ...facts, action: WriteAction.COMMIT, offset };
      }
      try {
        for await (const _ of client.write(requests(), { headers, signal }));
      } catch (thrown) {
        if (ConnectError.from(thrown).code !== Code.AlreadyExists) throw thrown;
      }
    },
  };
}

const CHUNK = 1 << 20;

/** A file's bytes in pieces that a message holds. */
export async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  const file = Bun.file(path);
  for (let at = 0; at < file.size; at += CHUNK)
    yield new Uint8Array(await file.slice(at, Math.min(at + CHUNK, file.size)).arrayBuffer());
}
