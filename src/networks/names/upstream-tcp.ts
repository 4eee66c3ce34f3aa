// Questions to one other server by TCP, each on a connection of its own: they are few.
import type { Socket } from "bun";
import { answers, idOf, type Question, withId } from "./message.ts";
import { frame, frameReader } from "./tcp-frames.ts";
import type { Answered, Enter } from "./upstream-udp.ts";

/**
 * Connections to one server at a time. Bun gives no way to stop one that is still being made, and the kernel tries for two
 * minutes; so one to a server that drops what we send counts until then, long after its question was given up.
 */
const CONNECTIONS = 64;

export class TcpUpstream {
  private connections = 0;

  constructor(
    private readonly address: string,
    private readonly port: number,
    private readonly enter: Enter,
  ) {}

  /** Asks; gives what ends the wait. Errors: where no connection can be begun. */
  ask(question: Question, answered: Answered): () => void {
    if (this.connections >= CONNECTIONS) throw new Error(`${CONNECTIONS} connections to ${this.address}`);
    const asked = withId(question.bytes, crypto.getRandomValues(new Uint16Array(1))[0] as number);
    const read = frameReader();
    let unsent = frame(asked);
    let over = false;
    let open: Socket | undefined;
    const end = (reply?: Buffer) => {
      if (over) return;
      over = true;
      open?.terminate();
      answered(reply && withId(reply, idOf(question.bytes)));
    };
    const send = (socket: Socket) => {
      unsent = unsent.subarray(Math.max(0, socket.write(unsent)));
    };
    const connecting = this.enter(() =>
      Bun.connect({
        hostname: this.address,
        port: this.port,
        socket: {
          open(socket) {
            open = socket;
            if (over) socket.terminate();
            else send(socket);
          },
          drain(socket) {
            if (unsent.length > 0) send(socket);
          },
          data(_, chunk) {
            const [reply] = read(chunk);
            if (!reply) return;
            end(idOf(reply) === idOf(asked) && answers(reply, question) ? reply : undefined);
          },
          end: () => end(),
          error: () => end(),
          close: () => end(),
        },
      }),
    );
    this.connections++;
    const closed = () => {
      this.connections--;
    };
    connecting.then(closed, () => {
      closed();
      end();
    });
    return () => {
      over = true;
      open?.terminate();
    };
  }

  get unused(): boolean {
    return this.connections === 0;
  }
}
