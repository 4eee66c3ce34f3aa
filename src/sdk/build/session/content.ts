// Folders in OCI's image layout that the daemon reads blobs from (`oci-layout://` contexts, local caches) and writes
// blobs to (local caches, `oci` without tar): containerd's content service, one store an id.
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { Content, WriteAction, type WriteContentRequest } from "../../../buildkit/messages/content_pb.ts";
import { BlobFolder, type BlobInfo, type BlobWriter } from "./blob-folder.ts";

const CHUNK = 1 << 20;

/** `stores`: a folder by the id that the daemon sends as `buildkit-attachable-store-id`. */
export function registerContent(stores: Record<string, string>): (router: ConnectRouter) => void {
  const choose = ({ requestHeader }: HandlerContext) => {
    // The first of several is the latest: a daemon's proxy puts its own before those of its caller.
    const id = requestHeader.get("buildkit-attachable-store-id")?.split(", ")[0] ?? "";
    if (!Object.hasOwn(stores, id)) throw new ConnectError(`unknown store ${id}: not found`, Code.NotFound);
    return new BlobFolder(stores[id] ?? "");
  };
  const found = async (store: BlobFolder, digest: string) => {
    const info = await store.info(digest);
    if (!info) throw new ConnectError(`content ${digest}: not found`, Code.NotFound);
    return info;
  };
  return (router) => {
    router.service(Content, {
      info: async ({ digest }, context) => ({ info: wire(await found(choose(context), digest)) }),
      // Labels are for containerd's collector: a folder has none.
      update: async ({ info }, context) => ({
        info: wire(await found(choose(context), info?.digest ?? "")),
      }),
      async *list(_, context) {
        yield { info: (await choose(context).list()).map(wire) };
      },
      async delete({ digest }, context) {
        await choose(context).remove(digest);
        return {};
      },
      async *read({ digest, offset, size }, context) {
        const store = choose(context);
        const whole = (await found(store, digest)).size;
        const end = size > 0n ? Math.min(whole, Number(offset + size)) : whole;
        for (let at = Number(offset); at < end; at += CHUNK)
          yield { offset: BigInt(at), data: await store.read(digest, at, Math.min(end, at + CHUNK)) };
      },
      status: ({ ref }) => {
        throw new ConnectError(`ingest ${ref}: not found`, Code.NotFound);
      },
      listStatuses: () => ({ statuses: [] }),
      abort: () => ({}),
      async *write(requests, context) {
        yield* written(choose(context), requests);
      },
    });
  };
}

const wire = ({ digest, size }: BlobInfo) => ({ digest, size: BigInt(size) });

/** One blob: asked about (STAT), given in pieces, and closed with its digest (COMMIT). An unfinished one is forgotten. */
async function* written(store: BlobFolder, requests: AsyncIterable<WriteContentRequest>) {
  let writer: BlobWriter | undefined;
  let total = 0n;
  try {
    for await (const request of requests) {
      const { action, expected, offset, data } = request;
      if (expected && (await store.info(expected)))
        throw new ConnectError(`content ${expected}: already exists`, Code.AlreadyExists);
      writer ??= await store.open();
      total = request.total || total;
      if (data.length > 0) {
        if (Number(offset) !== writer.offset)
          throw new ConnectError(`write at ${offset} where ${writer.offset} is due`, Code.OutOfRange);
        await writer.write(data);
      }
      const answer = { action, offset: BigInt(writer.offset), total };
      if (action !== WriteAction.COMMIT) {
        yield answer;
        continue;
      }
      const digest = await writer.commit(expected, Number(total)).catch((thrown: unknown) => {
        throw new ConnectError(
          String(thrown instanceof Error ? thrown.message : thrown),
          Code.FailedPrecondition,
        );
      });
      yield { ...answer, digest };
      return;
    }
  } finally {
    await writer?.abandon();
  }
}
