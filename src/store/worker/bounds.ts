// How much an archive of a given size may make its worker do: a gzip bomb must end, an honest layer never notice.

export interface Bounds {
  /** Seconds of processor time, of all threads together. */
  processorSeconds: number;
  /** Bytes of one file; without it the disk is the bound. */
  fileBytes?: number;
}

/** To start, and for what a small archive holds. */
const SECONDS_AT_LEAST = 60;
/**
 * 64 KiB of gzip are 66 MB of plain bytes at most (deflate's ratio is 1032 to 1), which take half a second here: a machine
 * may be many times slower, or busy with its memory.
 */
const BYTES_PER_SECOND = 64 << 10;
/** A client's archive, which comes without a size: four hours are terabytes. */
const SECONDS_FOR_UNKNOWN = 4 * 60 * 60;

/** A file of zeros that a database or a virtual machine was given packs to nothing, so there is much room. */
const FILE_AT_LEAST = 64 * 2 ** 30;
const FILE_PER_BYTE = 1100;

/** What unpacking an archive of `size` bytes, as it is stored or sent, may take. */
export function unpackBounds(size: number | undefined): Bounds {
  if (size === undefined) return { processorSeconds: SECONDS_FOR_UNKNOWN };
  return {
    processorSeconds: SECONDS_AT_LEAST + Math.ceil(size / BYTES_PER_SECOND),
    fileBytes: FILE_AT_LEAST + size * FILE_PER_BYTE,
  };
}
