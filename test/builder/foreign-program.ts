// Programs of other machines for tests, a few instructions each: no package of another architecture is needed.

/** e_machine (elf(5)). */
const AARCH64 = 183;

/** A program of 64-bit ARM that makes the folder /ran and says "arm64". */
export function arm64Program(): Buffer {
  const text = Buffer.from("arm64\n");
  const path = Buffer.from("/ran\0");
  const move = (register: number, value: number) => (0xd2800000 | (value << 5) | register) >>> 0;
  /** adr: an address so many bytes on. */
  const address = (register: number, distance: number) =>
    (0x10000000 | ((distance & 3) << 29) | ((distance >> 2) << 5) | register) >>> 0;
  const CALL = 0xd4000001;
  const count = 16;
  const at = (instruction: number) => (count - instruction) * 4;
  const code = [
    // mkdirat(AT_FDCWD, "/ran", 0755)
    0x92800c60,
    address(1, at(1) + text.length),
    move(2, 0o755),
    move(8, 34),
    CALL,
    // write(1, text, length)
    move(0, 1),
    address(1, at(6)),
    move(2, text.length),
    move(8, 64),
    CALL,
    // exit_group(0)
    move(0, 0),
    move(8, 94),
    CALL,
  ];
  const padding = new Array<number>(count - code.length).fill(0xd503201f); // nop
  const words = Buffer.from(new Uint32Array([...code, ...padding]).buffer);
  return elf(AARCH64, Buffer.concat([words, text, path]));
}

/** A program for a machine that there isn't. */
export const unknownProgram = (): Buffer => elf(0x4242, Buffer.alloc(64));

/** A whole file with one segment, which is all of it (elf(5)). */
function elf(machine: number, code: Buffer): Buffer {
  const BASE = 0x400000n;
  const HEAD = 64 + 56;
  const head = Buffer.alloc(HEAD);
  Buffer.from("7f454c46020101", "hex").copy(head);
  head.writeUInt16LE(2, 16); // an executable
  head.writeUInt16LE(machine, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(BASE + BigInt(HEAD), 24); // entry
  head.writeBigUInt64LE(64n, 32); // program headers
  head.writeUInt16LE(64, 52);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(1, 56);
  head.writeUInt16LE(64, 58);
  const size = BigInt(HEAD + code.length);
  head.writeUInt32LE(1, 64); // PT_LOAD
  head.writeUInt32LE(5, 68); // read and execute
  head.writeBigUInt64LE(BASE, 80);
  head.writeBigUInt64LE(BASE, 88);
  head.writeBigUInt64LE(size, 96);
  head.writeBigUInt64LE(size, 104);
  head.writeBigUInt64LE(0x10000n, 112);
  return Buffer.concat([head, code]);
}
