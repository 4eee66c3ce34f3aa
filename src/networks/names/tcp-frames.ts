// Messages of the domain name system on a stream: two bytes of length before each (RFC 1035 section 4.2.2).

const LENGTH = 2;

/** A message with its length before it. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(LENGTH + message.length);
  framed.writeUInt16BE(message.length, 0);
  framed.set(message, LENGTH);
  return framed;
}

/** Takes a stream's chunks in order, and gives the messages that are whole with each. */
export function frameReader(): (chunk: Buffer) => Buffer[] {
  let part = Buffer.alloc(LENGTH);
  let filled = 0;
  let isLength = true;
  return (chunk) => {
    const messages: Buffer[] = [];
    for (let at = 0; ; ) {
      const copied = chunk.copy(part, filled, at);
      at += copied;
      filled += copied;
      if (filled < part.length) return messages;
      if (!isLength) messages.push(part);
      part = Buffer.allocUnsafe(isLength ? part.readUInt16BE(0) : LENGTH);
      isLength = !isLength;
      filled = 0;
    }
  };
}
