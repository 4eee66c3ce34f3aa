// What a daemon reports while it pulls, pushes, loads or imports: on a terminal a line for each layer, drawn anew as
// it moves; else a plain line for each step (docker/docker pkg/jsonmessage, for the look).
import type { ProgressMessage } from "../sdk/index.ts";
import { humanSize } from "./format/units.ts";
import { type Output, terminalSize } from "./output.ts";

const CLEAR_LINE = "\x1b[2K";
const up = (lines: number) => (lines > 0 ? `\x1b[${lines}A` : "");
const down = (lines: number) => (lines > 0 ? `\x1b[${lines}B` : "");

/** Where nobody says how wide a terminal is. */
const WIDE = 200;
const BAR_NEEDS = 110;

/** Shows the messages on `out`, or only waits for their end. A message with an error ends it as a failure. */
export async function showProgress(
  messages: AsyncIterable<ProgressMessage>,
  out: Output | undefined,
  onAux: (aux: Record<string, unknown>) => void = () => {},
): Promise<void> {
  const terminal = out?.isTerminal() ?? false;
  let lines = new Map<string, number>();
  for await (const message of messages) {
    const problem = message.errorDetail?.message ?? message.error;
    if (problem) throw new Error(problem);
    if (message.aux) {
      onAux(message.aux);
      continue;
    }
    if (!out) continue;
    if (!terminal) {
      await out.write(plainLine(message));
      continue;
    }
    let text = "";
    let distance = 0;
    if (message.id && message.progressDetail) {
      let line = lines.get(message.id);
      if (line === undefined) {
        line = lines.size;
        lines.set(message.id, line);
        text += "\n";
      }
      distance = lines.size - line;
      text += up(distance);
    } else {
      lines = new Map(); // what stands above stays there
    }
    text += `${drawn(message)}${down(distance)}`;
    await out.write(text);
  }
}

/** A step for a log file; the moving of a bar is none. */
function plainLine(message: ProgressMessage): string {
  if (bar(message, WIDE) !== "") return "";
  const id = message.id ? `${message.id}: ` : "";
  return message.stream ? id + message.stream : `${id}${message.status ?? ""}\n`;
}

function drawn(message: ProgressMessage): string {
  const id = message.id ? `${message.id}: ` : "";
  if (message.stream) return id + message.stream;
  if (!message.progressDetail) return `${id}${message.status ?? ""}\n`;
  const width = terminalSize(1)?.columns || WIDE;
  return `${CLEAR_LINE}\r${id}${message.status ?? ""} ${bar(message, width)}\r`;
}

/** `[=====>     ]  12.3MB/29.1MB`; empty where nothing moves. */
function bar({ progressDetail }: ProgressMessage, width: number): string {
  const { current = 0, total = 0, units, hidecounts } = progressDetail ?? {};
  if (current <= 0 && total <= 0) return "";
  const done = humanSize(current);
  if (total <= 0) return units ? `${current} ${units}` : done.padStart(8);
  const filled = Math.min(50, Math.trunc(Math.trunc((current / total) * 100) / 2));
  const box = width > BAR_NEEDS ? `[${"=".repeat(filled)}>${" ".repeat(Math.max(0, 50 - filled))}] ` : "";
  if (hidecounts) return box;
  if (units) return `${box}${current}/${total} ${units}`;
  return `${box}${done.padStart(8)}${current > total ? "" : `/${humanSize(total)}`}`;
}
