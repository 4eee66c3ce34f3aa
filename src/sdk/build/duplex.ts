// A hijacked connection as node's HTTP/2 takes it.
import { Duplex } from "node:stream";
import type { HijackedStream } from "../hijack.ts";

/** The stream's two directions as one Duplex; destroying it closes the connection. */
export function duplexOf(stream: HijackedStream): Duplex {
  const chunks = stream[Symbol.asyncIterator]();
  const duplex = new Duplex({
    // HTTP/2 knows no half-closed connection: without this it would wait for ever for a daemon that was killed.
    allowHalfOpen: false,
    read() {
      chunks.next().then(
        ({ done, value }) => duplex.push(done ? null : value),
        (thrown: Error) => duplex.destroy(thrown),
      );
    },
    write(chunk: Uint8Array, _encoding, done) {
      stream.write(chunk).then(() => done(), done);
    },
    writev(pieces, done) {
      stream.write(Buffer.concat(pieces.map(({ chunk }) => chunk as Uint8Array))).then(() => done(), done);
    },
    final(done) {
      stream.closeWrite();
      done();
    },
    destroy(error, done) {
      stream.close();
      done(error);
    },
  });
  return duplex;
}
