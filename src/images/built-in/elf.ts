// A few lines of assembler: a static Linux program that writes a message and exits, from source alone, with no compiler.
// ELF: elf(5); system calls: syscall(2), write(2), _exit(2).

export type Machine = "amd64" | "arm64";

const HEADER = 64;
const PROGRAM_HEADER = 56;
const BASE = 0x400000n;
/** e_machine: EM_X86_64, EM_AARCH64. */
const MACHINE_NUMBER: Record<Machine, number> = { amd64: 62, arm64: 183 };
/** Segments start at the page size of the machine's largest pages, so that every kernel maps them. */
const ALIGNMENT: Record<Machine, bigint> = { amd64: 0x1000n, arm64: 0x10000n };

/** An executable that writes `message` to standard output and exits with status 0. */
export function helloProgram(machine: Machine, message: string): Uint8Array {
  const text = new TextEncoder().encode(message);
  const code = machine === "amd64" ? codeForAmd64(text.length) : codeForArm64(text.length);
  const start = HEADER + PROGRAM_HEADER;
  const total = start + code.length + text.length;
  const file = Buffer.alloc(total);
  writeHeader(file, machine, BASE + BigInt(start));
  writeProgramHeader(file.subarray(HEADER), machine, BigInt(total));
  file.set(code, start);
  file.set(text, start + code.length);
  return file;
}

function writeHeader(file: Buffer, machine: Machine, entry: bigint): void {
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // magic, 64 bits, little endian, version 1
  file.writeUInt16LE(2, 16); // e_type: ET_EXEC
  file.writeUInt16LE(MACHINE_NUMBER[machine], 18);
  file.writeUInt32LE(1, 20); // e_version
  file.writeBigUInt64LE(entry, 24);
  file.writeBigUInt64LE(BigInt(HEADER), 32); // e_phoff
  file.writeUInt16LE(HEADER, 52); // e_ehsize
  file.writeUInt16LE(PROGRAM_HEADER, 54);
  file.writeUInt16LE(1, 56); // e_phnum
}

/** The whole file is one segment that can be read and executed. */
function writeProgramHeader(header: Buffer, machine: Machine, size: bigint): void {
  header.writeUInt32LE(1, 0); // PT_LOAD
  header.writeUInt32LE(5, 4); // PF_R | PF_X
  header.writeBigUInt64LE(0n, 8); // offset
  header.writeBigUInt64LE(BASE, 16);
  header.writeBigUInt64LE(BASE, 24);
  header.writeBigUInt64LE(size, 32);
  header.writeBigUInt64LE(size, 40);
  header.writeBigUInt64LE(ALIGNMENT[machine], 48);
}

/** x86-64: number in eax, arguments in edi, rsi, edx. The message lies right behind the code. */
function codeForAmd64(length: number): Uint8Array {
  const word = (value: number) => [...new Uint8Array(new Uint32Array([value]).buffer)];
  const write = [
    ...[0xb8, ...word(1)], // mov eax, 1 (write)
    ...[0xbf, ...word(1)], // mov edi, 1 (standard output)
  ];
  const exit = [
    ...[0xba, ...word(length)], // mov edx, length
    ...[0x0f, 0x05], // syscall
    ...[0xb8, ...word(60)], // mov eax, 60 (exit)
    ...[0x31, 0xff], // xor edi, edi
    ...[0x0f, 0x05], // syscall
  ];
  // lea rsi, [rip + what is left of the code]
  return new Uint8Array([...write, 0x48, 0x8d, 0x35, ...word(exit.length), ...exit]);
}

/** arm64: number in x8, arguments in x0, x1, x2. */
function codeForArm64(length: number): Uint8Array {
  const movz = (register: number, value: number) => 0xd2800000 | (value << 5) | register;
  const svc = 0xd4000001;
  const after = 7; // instructions from `adr` to the message
  const adr = (register: number, instructions: number) => 0x10000000 | (instructions << 5) | register;
  const code = [
    movz(0, 1), // standard output
    adr(1, after),
    movz(2, length),
    movz(8, 64), // write
    svc,
    movz(0, 0),
    movz(8, 93), // exit
    svc,
  ];
  return new Uint8Array(new Uint32Array(code).buffer);
}

/** Whether an ELF file needs no loader: it names no interpreter (PT_INTERP). False for what is no 64-bit ELF file. */
export function isStaticProgram(file: Uint8Array): boolean {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.length < HEADER || bytes.readUInt32BE(0) !== 0x7f454c46 || bytes[4] !== 2) return false;
  const offset = Number(bytes.readBigUInt64LE(32));
  const size = bytes.readUInt16LE(54);
  const count = bytes.readUInt16LE(56);
  if (size < PROGRAM_HEADER || offset + size * count > bytes.length) return false;
  for (let at = 0; at < count; at++) if (bytes.readUInt32LE(offset + at * size) === 3) return false;
  return true;
}
