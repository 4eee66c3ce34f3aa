// How much of a copy has gone by, on a terminal, and the line at its end.
import { humanSize } from "../format/units.ts";
import { isTerminal, type Output } from "../output.ts";

const INTERVAL = 75; // Milliseconds, as Docker's
const CLEAR = "\r\x1b[2K";
const PRECISION = 3;

export interface CopyProgress {
  add(bytes: number): void;
  /** Takes the progress away and says what was copied, also of a copy that failed half way. */
  end(destination: string): Promise<void>;
}

const SILENT: CopyProgress = { add: () => {}, end: async () => {} };

export function showCopy(header: string, err: Output, quiet: boolean): CopyProgress {
  if (quiet) return SILENT;
  let bytes = 0;
  let shown = -1;
  const draw = () => {
    if (bytes === shown) return;
    shown = bytes;
    void err.write(`${CLEAR}${header} - ${humanSize(bytes, PRECISION)}`);
  };
  const timer = isTerminal(err.fd) ? setInterval(draw, INTERVAL) : undefined;
  return {
    add(more) {
      bytes += more;
    },
    async end(destination) {
      clearInterval(timer);
      if (shown >= 0) await err.write(CLEAR);
      await err.line(`Successfully copied ${humanSize(bytes, PRECISION)} to ${destination}`);
    },
  };
}
