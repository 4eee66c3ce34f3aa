// Values as ssh writes them (RFC 4251, section 5): blobs and texts behind their length, numbers as two's complement.

export class WireReader {
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  uint32(): number {
    const at = this.take(4);
    return new DataView(at.buffer, at.byteOffset, 4).getUint32(0);
  }

  blob(): Uint8Array {
    return this.take(this.uint32());
  }

  text(): string {
    return Buffer.from(this.blob()).toString();
  }

  number(): bigint {
    const hex = Buffer.from(this.blob()).toString("hex");
    return BigInt(`0x${hex || "0"}`);
  }

  private take(length: number): Uint8Array {
    if (this.#at + length > this.bytes.length) throw new Error("what ssh wrote ends too early");
    this.#at += length;
    return this.bytes.subarray(this.#at - length, this.#at);
  }
}

export function blobOf(bytes: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export const textOf = (text: string): Uint8Array => blobOf(Buffer.from(text));

/** A number's bytes without ssh's length, at least so many. */
export function numberOf(value: bigint, least = 0): Uint8Array {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(Math.max(least * 2, hex.length + (hex.length % 2)), "0"), "hex");
}

/** A positive number of these bytes: no zeros in front but the one that keeps it positive. */
export function numberOfBytes(bytes: Uint8Array): Uint8Array {
  const from = bytes.findIndex((byte) => byte !== 0);
  const short = from < 0 ? new Uint8Array() : bytes.subarray(from);
  return blobOf((short[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), short]) : short);
}
