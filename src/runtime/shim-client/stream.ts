// One attached stream of a container or exec, on a connection of its own: who reads slowly here makes the shim spill.
import { type BerthError, systemError } from "../../base/errors.ts";
import { FRAME, type Reply, type ShimFailure } from "../shim/protocol.ts";
import type { AttachedStream } from "../types.ts";
import type { ShimSocket } from "./socket.ts";

/** Chunks (of up to 64 KiB) that wait here for a slow reader before the shim has to keep the rest. */
const AHEAD = 4;

/** Attaches a fresh connection. `failure` makes an error of what the shim refused. */
export async function attachedStream(
  socket: ShimSocket,
  options: { exec?: string; stdin: boolean; stdout: boolean; stderr: boolean },
  failure: (refused: ShimFailure) => BerthError,
): Promise<AttachedStream> {
  const answered = Promise.withResolvers<void>();
  let controller: ReadableStreamDefaultController<{ stream: "stdout" | "stderr"; data: Uint8Array }>;
  let over = false;
  const output = new ReadableStream<{ stream: "stdout" | "stderr"; data: Uint8Array }>(
    {
      start(c) {
        controller = c;
      },
      pull: () => socket.resume(),
      cancel: () => socket.end(),
    },
    { highWaterMark: AHEAD },
  );
  socket.onFrame = (type, payload) => {
    if (type === FRAME.REPLY) {
      const { error } = JSON.parse(payload.toString()) as Reply;
      if (error) answered.reject(failure(error));
      else answered.resolve();
    } else if (type === FRAME.OUTPUT_END) {
      over = true;
      controller.close();
    } else if ((type === FRAME.STDOUT || type === FRAME.STDERR) && !over) {
      controller.enqueue({ stream: type === FRAME.STDOUT ? "stdout" : "stderr", data: payload });
      if ((controller.desiredSize ?? 0) <= 0) socket.pause();
    }
  };
  void socket.closed.then(() => {
    const cut = systemError("the shim closed the stream before the process's output ended");
    answered.reject(cut);
    if (!over) controller.error(cut);
    over = true;
  });
  socket.sendMessage({ id: 1, method: "attach", params: options });
  try {
    await answered.promise;
  } catch (error) {
    socket.end();
    throw error;
  }
  return {
    output,
    write: (data) => (data.length === 0 ? Promise.resolve() : socket.send(FRAME.STDIN, data)),
    closeStdin: () => void socket.send(FRAME.STDIN_END, new Uint8Array(0)).catch(() => {}),
    async [Symbol.asyncDispose]() {
      if (!over) controller.close();
      over = true;
      socket.end();
      await socket.closed;
    },
  };
}
