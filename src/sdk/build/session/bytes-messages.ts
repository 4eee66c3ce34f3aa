// Bytes out of a call's framed messages `{ bytes data = 1 }` (gRPC's five bytes, then a tag, a length, the data),
// passed on as they come: an archive of many gigabytes is never put together.

const TAG_DATA = 0x0a;

/** The data. Throws for anything else than such messages. */
export async function* pieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head = Buffer.alloc(0);
  let left = 0;
  for await (let chunk of chunks) {
    while (chunk.length > 0) {
      if (left > 0) {
        const data = chunk.subarray(0, left);
        left -= data.length;
        chunk = chunk.subarray(data.length);
        yield data;
        continue;
      }
      head = Buffer.concat([head, chunk.subarray(0, 1)]);
      chunk = chunk.subarray(1);
      const length = lengthOf(head);
      if (length === undefined) continue;
      left = length;
      head = Buffer.alloc(0);
    }
  }
  if (left > 0 || head.length > 0) throw new Error("the result ended in its middle");
}

/** The length of a message's data, once its head is whole. An empty message has no field at all. */
function lengthOf(head: Buffer): number | undefined {
  if (head[0] !== undefined && head[0] !== 0) throw new Error("a compressed message was not asked for");
  if (head.length < 5) return undefined;
  if (head.readUInt32BE(1) === 0) return 0;
  if (head.length < 7) return undefined;
  if (head[5] !== TAG_DATA) throw new Error(`a message's field ${head[5]} is unknown`);
  let value = 0;
  for (let at = 6, shift = 1; at < head.length; at++, shift *= 128) {
    const byte = head[at] as number;
    value += (byte & 0x7f) * shift;
    if (byte < 0x80) return value;
  }
  return undefined;
}
