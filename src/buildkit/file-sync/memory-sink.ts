// Where a small transfer comes to: a Dockerfile and what is beside it.
import { invalid } from "../../base/errors.ts";
import type { FileStat } from "./file-stat.ts";
import type { FileWriter, Sink } from "./receive.ts";

export interface MemoryFile {
  stat: FileStat;
  /** Of a file; empty for others. */
  content: Buffer;
}

export interface MemorySink extends Sink {
  /** By path, a byte string. Hard links have their file's content. */
  readonly files: ReadonlyMap<string, MemoryFile>;
}

const FILES_LIMIT = 10_000;

/**
 * @param limit bytes of all files and their names
 * @param largest bytes of a file that comes at all
 * Errors of its methods: invalid for more than the limit, or 10,000 files.
 */
export function createMemorySink(limit: number, largest = limit): MemorySink {
  const files = new Map<string, MemoryFile>();
  let bytes = 0;
  const count = (more: number) => {
    bytes += more;
    if (bytes > limit) throw invalid(`more than ${limit} bytes were sent where less is expected`);
  };
  const add = (stat: FileStat, content: Buffer = Buffer.alloc(0)) => {
    if (files.size >= FILES_LIMIT)
      throw invalid(`more than ${FILES_LIMIT} files were sent where few are expected`);
    count(stat.path.length + stat.linkname.length);
    for (const [name, value] of stat.xattrs ?? []) count(name.length + value.length);
    files.set(stat.path, { stat, content });
  };
  return {
    files,
    directory: add,
    symlink: add,
    node: add,
    hardLink: (stat) => add(stat, files.get(stat.linkname)?.content),
    remove(stat) {
      const below = `${stat.path}/`;
      for (const path of [...files.keys()])
        if (path === stat.path || path.startsWith(below)) files.delete(path);
    },
    wants: ({ size }) => largest === limit || size <= largest,
    open(stat): FileWriter {
      const pieces: Buffer[] = [];
      return {
        write(piece) {
          count(piece.length);
          pieces.push(Buffer.from(piece));
        },
        close: () => add(stat, Buffer.concat(pieces)),
        abandon() {},
      };
    },
  };
}
