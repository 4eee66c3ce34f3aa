/** Bytes under way on a stream before its reader has taken them: HTTP/2's 64 KiB would wait for each chunk of a file. */
export const WINDOW = 4 << 20;
