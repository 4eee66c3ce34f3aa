// Drives a receiver over a stream, for transfers into memory. (Those to disk are a confined worker's.)
import { messageOf, unavailable } from "../../base/errors.ts";
import { PacketDecoder } from "./packets.ts";
import type { Received, Receiver } from "./receive.ts";
import type { PacketStream } from "./send.ts";

/** Errors: the receiver's, of which the sender is told; unavailable when the sender leaves early. */
export async function receiveStream(stream: PacketStream, receiver: Receiver): Promise<Received> {
  const decoder = new PacketDecoder();
  const { encoder } = receiver;
  try {
    for await (const chunk of stream.chunks) {
      decoder.push(chunk, (packet) => receiver.take(packet));
      if (encoder.length > 0) await stream.write(encoder.take());
      if (receiver.done) return receiver.result();
    }
  } catch (thrown) {
    receiver.refuse(messageOf(thrown));
    await stream.write(encoder.take()).catch(() => {}); // The sender may be gone, with the reason thrown here
    throw thrown;
  }
  throw unavailable("the sender left before the files were transferred");
}
