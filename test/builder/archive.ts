// Archives for tests: tar from a list of files, packed as people pack it.
import { END_OF_ARCHIVE, type EntryType, encodeEntry, fromText, paddingOf } from "../../src/archive/index.ts";
import { PREPARED_TIME, type PreparedFile } from "./prepare.ts";

export type Compression = "none" | "gzip" | "xz" | "zstd" | "bzip2";

const TYPES: Record<NonNullable<PreparedFile["type"]>, EntryType | undefined> = {
  file: "file",
  folder: "directory",
  symlink: "symlink",
  "hard-link": "link",
  fifo: "fifo",
  character: "character",
  archive: undefined,
  socket: undefined,
};

export interface ArchiveFile extends PreparedFile {
  /** Instead of a text. */
  bytes?: Uint8Array;
}

/** A hard link's header says of its file what the file's own says, as in every tar that was made of a tree. */
const linked = (files: ArchiveFile[], file: ArchiveFile): ArchiveFile => {
  const { mode, uid, gid, time } = files.find(({ path }) => path === file.target) ?? {};
  return {
    ...(mode && { mode }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(time !== undefined && { time }),
    ...file,
  };
};

/** A tar archive; the same files give the same bytes. */
export function archiveOf(files: ArchiveFile[]): Buffer {
  const parts = files.map((written) => {
    const file = written.type === "hard-link" ? linked(files, written) : written;
    const type = TYPES[file.type ?? "file"];
    if (!type) throw new Error(`${file.path}: tar has no type ${file.type}`);
    const data = Buffer.from(file.bytes ?? file.text ?? "");
    const header = encodeEntry({
      name: fromText(file.path),
      type,
      mode: Number.parseInt(
        file.mode ?? (type === "directory" ? "755" : type === "symlink" ? "777" : "644"),
        8,
      ),
      uid: file.uid ?? 0,
      gid: file.gid ?? 0,
      size: data.length,
      modified: { seconds: file.time ?? PREPARED_TIME, nanoseconds: 0 },
      linkName: fromText(file.target ?? ""),
      // The null device's numbers, for a device in an archive.
      major: type === "character" ? 1 : 0,
      minor: type === "character" ? 3 : 0,
      ...(file.xattrs && {
        xattrs: new Map(Object.entries(file.xattrs).map(([name, hex]) => [name, Buffer.from(hex, "hex")])),
      }),
    });
    return Buffer.concat([header, data, Buffer.alloc(paddingOf(data.length))]);
  });
  return Buffer.concat([...parts, END_OF_ARCHIVE]);
}

export function packedArchive(files: ArchiveFile[], compression: Compression): Uint8Array {
  const archive = archiveOf(files);
  if (compression === "none") return archive;
  if (compression === "gzip") return Bun.gzipSync(new Uint8Array(archive));
  if (compression === "zstd") return Bun.zstdCompressSync(archive);
  const { exitCode, stdout, stderr } = Bun.spawnSync([compression, "-c"], { stdin: archive, stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${compression}: ${stderr}`);
  return stdout;
}
