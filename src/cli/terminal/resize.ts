// Keeps the size of a container's terminal that of ours: once now, and whenever the window changes.

import { terminalSize } from "../output.ts";
import type { Session } from "../session.ts";

/** A process that starts may not have its terminal yet: the first resize is tried that often. */
const TRIES = 10;
const STEP_MS = 10;

/** `resize` sets the size on the daemon. Gives what ends the watching. */
export function followSize(
  session: Session,
  resize: (size: { height: number; width: number }) => Promise<void>,
): () => void {
  const now = async () => {
    const size = terminalSize(1);
    if (size && (size.columns > 0 || size.rows > 0)) await resize({ height: size.rows, width: size.columns });
  };
  const first = async () => {
    for (let left = TRIES; left > 0; left--) {
      try {
        return await now();
      } catch (thrown) {
        if (left === 1) await session.err.line(`failed to resize tty, using default size: ${String(thrown)}`);
        await Bun.sleep(STEP_MS * (TRIES - left + 1));
      }
    }
  };
  // A container that ends at once has no terminal to resize: its end, not this, is the news.
  void first();
  const onChange = () => void now().catch(() => {});
  process.on("SIGWINCH", onChange);
  return () => process.off("SIGWINCH", onChange);
}
