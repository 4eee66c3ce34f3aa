// Standard error, written at once: a display's text must be there before the program ends, in its order with what
// other parts of the program write.
import { writeSync } from "node:fs";

/** Writes all of a text; waits where the reader is slow. A reader that has gone ends nothing: the build goes on. */
export function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (thrown) {
      const code = thrown instanceof Error && "code" in thrown ? thrown.code : "";
      if (code !== "EAGAIN") return;
      Bun.sleepSync(1);
    }
  }
}
