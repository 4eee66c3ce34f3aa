// Whether bytes begin an archive, as `build -` has to know.

const MAGIC = [
  [0x42, 0x5a, 0x68], // bzip2
  [0x1f, 0x8b, 0x08], // gzip
  [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], // xz
];
const BLOCK = 512;
const CHECKSUM = { start: 148, end: 156 };

/** True for tar, and for what tar is usually compressed with. `head`: at least the first block. */
export function looksLikeArchive(head: Uint8Array): boolean {
  if (MAGIC.some((magic) => magic.every((byte, at) => head[at] === byte))) return true;
  if (head.length < BLOCK) return false;
  const block = head.subarray(0, BLOCK);
  // An empty archive is two blocks of zeros.
  if (block.every((byte) => byte === 0)) return head.length >= 2 * BLOCK && head.every((byte) => byte === 0);
  const field = Buffer.from(block.subarray(CHECKSUM.start, CHECKSUM.end)).toString("latin1");
  const digits = /^[ \0]*([0-7]+)/.exec(field)?.[1];
  if (!digits) return false;
  let sum = 0;
  for (const [at, byte] of block.entries()) sum += at >= CHECKSUM.start && at < CHECKSUM.end ? 0x20 : byte;
  return sum === Number.parseInt(digits, 8);
}
