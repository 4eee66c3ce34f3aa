// Files of this host as a tar archive, and an archive's files onto this host.
import { close } from "node:fs";
import {
  END_OF_ARCHIVE,
  fromText,
  openRootFolder,
  TarReader,
  TreeExtractor,
  TreePacker,
} from "../../archive/index.ts";
import { type CopyPlan, renamed } from "./plan.ts";

/** Pieces of archives are collected up to this size: a header alone is not worth a system call. */
const CHUNK = 256 << 10;

export interface LocalArchive {
  folder: string;
  /** An entry of the folder, or "." for the folder itself. */
  base: string;
  /** What it is called in the archive. */
  name: string;
  /** Told of what can't be read. */
  unreadable: (path: string, error: Error) => void;
  /** Told of each chunk that was taken. */
  progress: (bytes: number) => void;
}

/** The archive is made as fast as it is taken. */
export function packLocal(request: LocalArchive): ReadableStream<Uint8Array> {
  const chunks = archiveChunks(request);
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const { done, value } = chunks.next();
        if (done) controller.close();
        else {
          request.progress(value.length);
          controller.enqueue(value);
        }
      },
      cancel() {
        chunks.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

function* archiveChunks({ folder, base, name, unreadable }: LocalArchive): Generator<Uint8Array, void> {
  const root = openRootFolder(folder);
  try {
    const packer = new TreePacker({ unreadable });
    yield* inChunks(packer.entry(root, fromText(base), fromText(name)));
    yield END_OF_ARCHIVE;
  } finally {
    close(root, () => {});
  }
}

/** Each chunk is the taker's to keep. */
function* inChunks(pieces: Iterable<Buffer>): Generator<Uint8Array, void> {
  let buffer = Buffer.allocUnsafe(CHUNK);
  let length = 0;
  for (const piece of pieces)
    for (let at = 0; at < piece.length; ) {
      const copied = piece.copy(buffer, length, at);
      at += copied;
      length += copied;
      if (length < CHUNK) continue;
      yield buffer;
      buffer = Buffer.allocUnsafe(CHUNK);
      length = 0;
    }
  if (length > 0) yield buffer.subarray(0, length);
}

/** Writes an archive's files into the plan's folder, as the user's own. Errors: as the kernel's, or the archive's. */
export async function unpackLocal(archive: AsyncIterable<Uint8Array>, plan: CopyPlan): Promise<void> {
  const root = openRootFolder(plan.folder);
  process.umask(0); // Modes are the archive's
  try {
    using extractor = new TreeExtractor(root, {
      noOverwriteDirNonDir: true,
      owner: "caller",
      shown: plan.folder,
    });
    const { rename } = plan;
    const names = rename && { from: fromText(rename.from), to: fromText(rename.to) };
    const reader = new TarReader({
      entry(entry) {
        if (names) entry.name = renamed(entry.name, names);
        if (names && entry.type === "link") entry.linkName = renamed(entry.linkName, names);
        extractor.entry(entry);
      },
      data: (chunk) => extractor.data(chunk),
      end: () => extractor.end(),
    });
    for await (const chunk of archive) reader.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    reader.finish();
    extractor.finish();
  } finally {
    close(root, () => {});
  }
}
