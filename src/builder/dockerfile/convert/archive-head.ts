// Whether a downloaded file is an archive, by its first bytes: what BuildKit unpacks as a build context.

const COMPRESSED: readonly (readonly number[])[] = [
  [0x42, 0x5a, 0x68], // bzip2
  [0x1f, 0x8b, 0x08], // gzip
  [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], // xz
];
const BLOCK = 512;
const [SUM_AT, SUM_END] = [148, 156];

/** A compressed file of a known kind, or a tar; `head` has its first 512 bytes or more. */
export function isArchive(head: Uint8Array): boolean {
  if (COMPRESSED.some((magic) => magic.every((byte, index) => head[index] === byte))) return true;
  return head.length >= BLOCK && isTarHeader(head.subarray(0, BLOCK));
}

/** The sum over the header, its own field taken as blanks (POSIX ustar). */
function isTarHeader(block: Uint8Array): boolean {
  const written = /^[ \0]*([0-7]+)/.exec(String.fromCharCode(...block.subarray(SUM_AT, SUM_END)))?.[1];
  if (!written) return false;
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= SUM_AT && i < SUM_END ? 0x20 : block[i]!;
  return sum === Number.parseInt(written, 8);
}
