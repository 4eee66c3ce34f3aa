// containerd's content service, for reading alone: clients fetch by it what a build's record names (BuildKit, control/control.go).
import { closeSync, openSync, readSync } from "node:fs";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type { Content } from "../../buildkit/messages/content_pb.ts";
import { type Digest, isDigest } from "../../oci/digest.ts";
import type { BlobInfo } from "../../store/types.ts";
import type { Builder } from "./builder.ts";
import { timestamp } from "./status-messages.ts";

/** Bytes in one message. */
const CHUNK = 1 << 20;
/** Blobs in one message of a list. */
const LOT = 100;

export function contentService(builder: Builder): ServiceImpl<typeof Content> {
  const { store } = builder.host;
  return {
    info({ digest }) {
      const info = store.content.info(checked(digest));
      if (info) return { info: infoMessage(info) };
      const kept = builder.history.document(checked(digest));
      if (!kept) throw missing(digest);
      return { info: { digest, size: BigInt(kept.length) } };
    },
    async *read({ digest, offset, size }) {
      const source = open(builder, checked(digest));
      try {
        const from = Number(offset);
        if (from > source.size)
          throw new ConnectError(`read past object length ${source.size} bytes`, Code.OutOfRange);
        const end = size > 0n ? Math.min(source.size, from + Number(size)) : source.size;
        for (let at = from; at < end; ) {
          const data = source.read(at, Math.min(CHUNK, end - at));
          if (data.length === 0) return;
          yield { offset: BigInt(at), data };
          at += data.length;
        }
      } finally {
        source.close();
      }
    },
    async *list() {
      const all = store.content.list();
      for (let at = 0; at < all.length; at += LOT) yield { info: all.slice(at, at + LOT).map(infoMessage) };
    },
    status({ ref }) {
      throw new ConnectError(`could not get status for ref ${JSON.stringify(ref)}: not found`, Code.NotFound);
    },
    listStatuses: () => ({ statuses: [] }),
    update: readOnly,
    delete: readOnly,
    abort: readOnly,
    // biome-ignore lint/correctness/useYield: it only refuses
    async *write() {
      readOnly();
    },
  };
}

function readOnly(): never {
  throw new ConnectError("read-only content store", Code.Unknown);
}

function checked(text: string): Digest {
  if (!isDigest(text))
    throw new ConnectError(`${JSON.stringify(text)} failed validation`, Code.InvalidArgument);
  return text;
}

const missing = (digest: string) => new ConnectError(`content digest ${digest}: not found`, Code.NotFound);

const infoMessage = ({ digest, size, createdAt }: BlobInfo) => {
  const time = timestamp(Date.parse(createdAt));
  return { digest, size: BigInt(size), createdAt: time, updatedAt: time };
};

interface Readable {
  size: number;
  read(at: number, length: number): Uint8Array;
  close(): void;
}

/** An open file: a blob that is collected meanwhile is still read to its end. */
function open({ host: { store }, history }: Builder, digest: Digest): Readable {
  const info = store.content.info(digest);
  if (!info) {
    const kept = history.document(digest);
    if (!kept) throw missing(digest);
    return { size: kept.length, read: (at, length) => kept.subarray(at, at + length), close() {} };
  }
  const file = openSync(store.content.path(digest), "r");
  return {
    size: info.size,
    read(at, length) {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(file, bytes, 0, length, at));
    },
    close: () => closeSync(file),
  };
}
