// SSH agent messages out of a stream of bytes.

/** Longer than any key or signature; OpenSSH has the same limit. */
const LONGEST = 256 * 1024;

export class MessageReader {
  #bytes = Buffer.alloc(0);

  /** The messages, lengths included, that are whole with these bytes. Throws for one that is longer than an agent's can be. */
  take(chunk: Uint8Array): Uint8Array[] {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const messages: Uint8Array[] = [];
    while (this.#bytes.length >= 4) {
      const length = this.#bytes.readUInt32BE(0);
      if (length > LONGEST) throw new Error(`an ssh agent's message of ${length} bytes is too long`);
      if (this.#bytes.length < 4 + length) break;
      messages.push(this.#bytes.subarray(0, 4 + length));
      this.#bytes = this.#bytes.subarray(4 + length);
    }
    return messages;
  }
}
