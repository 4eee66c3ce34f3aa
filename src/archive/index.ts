// The archive room's door: tar archives, and folders read into them and written from them.
export { type ExtractTreeOptions, TreeExtractor } from "./extract-tree.ts";
export { type Followed, follow, followFolder, openRootFolder, partsOf } from "./follow.ts";
export { type PackTreeOptions, TreePacker } from "./pack-tree.ts";
export { type TarHandler, TarReader, truncated } from "./reader.ts";
export { removeAll } from "./remove-all.ts";
export * from "./types.ts";
export { END_OF_ARCHIVE, encodeEntry, paddingOf } from "./writer.ts";
