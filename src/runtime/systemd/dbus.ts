// As much of D-Bus as one call to systemd takes: messages to and from bytes (D-Bus specification, "Message Protocol").
// Ours are little-endian, and so are those of a systemd on the same host.

/** A value beside its type: s string, b boolean, t 64 bits, au list of 32-bit numbers. */
export type Variant = ["s", string] | ["b", boolean] | ["t", number] | ["au", number[]];

const TYPE = { 1: "call", 2: "return", 3: "error", 4: "signal" } as const;
const FIELD = {
  path: 1,
  interface: 2,
  member: 3,
  errorName: 4,
  replySerial: 5,
  destination: 6,
  signature: 8,
};

export interface Message {
  type: (typeof TYPE)[keyof typeof TYPE];
  member: string;
  errorName: string;
  /** The call that this answers. */
  replySerial: number;
  /** The body's leading strings, object paths and 32-bit numbers; it stops at the first value of another type. */
  values: (string | number)[];
}

export class Writer {
  private readonly bytes: number[] = [];

  align(to: number): this {
    while (this.bytes.length % to !== 0) this.bytes.push(0);
    return this;
  }

  u8(value: number): this {
    this.bytes.push(value);
    return this;
  }

  u32(value: number): this {
    this.align(4);
    for (let shift = 0; shift < 32; shift += 8) this.bytes.push((value >>> shift) & 0xff);
    return this;
  }

  u64(value: number): this {
    this.align(8);
    return this.u32(value % 2 ** 32).u32(Math.floor(value / 2 ** 32));
  }

  string(text: string): this {
    const encoded = Buffer.from(text);
    this.u32(encoded.length);
    this.bytes.push(...encoded, 0);
    return this;
  }

  signature(text: string): this {
    const encoded = Buffer.from(text);
    this.bytes.push(encoded.length, ...encoded, 0);
    return this;
  }

  /** An array; its length counts neither itself nor what aligns the first element. */
  array(alignment: number, fill: (writer: this) => void): this {
    this.u32(0);
    const at = this.bytes.length - 4;
    this.align(alignment);
    const start = this.bytes.length;
    fill(this);
    const length = this.bytes.length - start;
    for (let i = 0; i < 4; i++) this.bytes[at + i] = (length >>> (8 * i)) & 0xff;
    return this;
  }

  variant([type, value]: Variant): this {
    this.signature(type);
    if (type === "s") return this.string(value);
    if (type === "b") return this.u32(value ? 1 : 0);
    if (type === "t") return this.u64(value);
    return this.array(4, () => {
      for (const one of value) this.u32(one);
    });
  }

  get length(): number {
    return this.bytes.length;
  }

  toBytes(): Uint8Array {
    return Uint8Array.from(this.bytes);
  }
}

/** A method call; `signature` is its body's. */
export function methodCall(
  call: { serial: number; destination: string; path: string; interface: string; member: string },
  signature: string,
  body: Writer,
): Uint8Array {
  const header = new Writer().u8(0x6c).u8(1).u8(0).u8(1).u32(body.length).u32(call.serial);
  header.array(8, () => {
    const field = (code: number, type: string, value: string) => {
      header.align(8).u8(code).signature(type);
      if (type === "g") header.signature(value);
      else header.string(value);
    };
    field(FIELD.path, "o", call.path);
    field(FIELD.interface, "s", call.interface);
    field(FIELD.member, "s", call.member);
    field(FIELD.destination, "s", call.destination);
    field(FIELD.signature, "g", signature);
  });
  return Buffer.concat([header.align(8).toBytes(), body.toBytes()]);
}

class Reader {
  constructor(
    private readonly bytes: Buffer,
    public at: number,
  ) {}

  align(to: number): void {
    this.at = Math.ceil(this.at / to) * to;
  }

  u32(): number {
    this.align(4);
    this.at += 4;
    return this.bytes.readUInt32LE(this.at - 4);
  }

  string(): string {
    const length = this.u32();
    this.at += length + 1;
    return this.bytes.toString("utf8", this.at - length - 1, this.at - 1);
  }

  signature(): string {
    const length = this.bytes.readUInt8(this.at);
    this.at += length + 2;
    return this.bytes.toString("utf8", this.at - length - 1, this.at - 1);
  }

  value(type: string): string | number | undefined {
    if (type === "s" || type === "o") return this.string();
    if (type === "g") return this.signature();
    return type === "u" ? this.u32() : undefined;
  }
}

const FIXED_HEADER = 16;

/** The first message in `bytes` and where the next begins; undefined while it isn't all there. */
export function readMessage(bytes: Buffer): { message: Message; end: number } | undefined {
  if (bytes.length < FIXED_HEADER) return undefined;
  const fieldsEnd = FIXED_HEADER + bytes.readUInt32LE(12);
  const bodyStart = Math.ceil(fieldsEnd / 8) * 8;
  const end = bodyStart + bytes.readUInt32LE(4);
  if (bytes.length < end) return undefined;
  const fields = new Map<number, string | number | undefined>();
  const reader = new Reader(bytes, FIXED_HEADER);
  while (reader.at < fieldsEnd) {
    reader.align(8);
    const code = bytes.readUInt8(reader.at++);
    fields.set(code, reader.value(reader.signature()));
  }
  const text = (code: number) => String(fields.get(code) ?? "");
  reader.at = bodyStart;
  const values: (string | number)[] = [];
  for (const type of text(FIELD.signature)) {
    const value = reader.value(type);
    if (value === undefined) break;
    values.push(value);
  }
  const type = TYPE[bytes.readUInt8(1) as keyof typeof TYPE] ?? "signal";
  const replySerial = Number(fields.get(FIELD.replySerial) ?? 0);
  return {
    message: { type, member: text(FIELD.member), errorName: text(FIELD.errorName), replySerial, values },
    end,
  };
}
