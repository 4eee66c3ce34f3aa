// A session inside a gRPC call: Control/Session carries its bytes in messages. Clients that share one session among several builds
// (buildx bake with linked targets) open it so, others by POST /session (BuildKit session/grpchijack).
import { Duplex } from "node:stream";
import { invalid } from "../../base/errors.ts";
import type { Sessions } from "./sessions.ts";

const PREFIX = "x-docker-expose-session-";

interface Piece {
  data: Uint8Array;
}

/** Serves the session that the call's headers describe until either end has left. Gives what goes to the client. */
export async function* serveSessionStream(
  sessions: Sessions,
  incoming: AsyncIterable<Piece>,
  headers: Headers,
): AsyncGenerator<Piece> {
  const header = (name: string) => headers.get(PREFIX + name) ?? "";
  const id = header("uuid");
  if (id === "") throw invalid("the session has no id");
  const { socket, outgoing } = socketOf(incoming);
  const served = sessions.serve(socket, {
    id,
    name: header("name"),
    sharedKey: header("sharedkey"),
    methods: header("grpc-method")
      .split(",")
      .map((method) => method.trim()),
  });
  try {
    yield* outgoing;
  } finally {
    socket.destroy();
    await served;
  }
}

/** The messages as a connection. Who writes waits until the client takes what was written. */
function socketOf(incoming: AsyncIterable<Piece>): { socket: Duplex; outgoing: AsyncGenerator<Piece> } {
  const chunks = incoming[Symbol.asyncIterator]();
  const written: { data: Uint8Array; taken: () => void }[] = [];
  let ended = false;
  let wake = () => {};
  const end = () => {
    ended = true;
    wake();
  };
  const socket = new Duplex({
    read() {
      chunks.next().then(
        ({ done, value }) => {
          if (!done) socket.push(value.data);
          // A client that sends no more wants no more: it waits for our end alone.
          else socket.destroy();
        },
        (thrown: Error) => socket.destroy(thrown),
      );
    },
    write(data: Uint8Array, _encoding, taken) {
      written.push({ data, taken });
      wake();
    },
    final(done) {
      end();
      done();
    },
    destroy(_error, done) {
      end();
      // A broken call is the end of a connection, which whoever uses it sees; the error has no other reader.
      done(null);
    },
  });
  async function* outgoing() {
    for (;;) {
      const next = written.shift();
      if (next) {
        yield { data: next.data };
        next.taken();
      } else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  return { socket, outgoing: outgoing() };
}
