// The archive room's door: tar archives, and folders read into them and written from them.
export { type TarHandler, TarReader, truncated } from "./reader.ts";
export * from "./types.ts";
export { END_OF_ARCHIVE, encodeEntry, paddingOf } from "./writer.ts";
