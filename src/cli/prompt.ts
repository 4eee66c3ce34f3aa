// Questions on the terminal.
import type { Session } from "./session.ts";

/** Asks and gives the line that is typed; with `hidden` it isn't shown. */
export async function ask(
  session: Session,
  question: string,
  options: { hidden?: boolean } = {},
): Promise<string> {
  if (options.hidden) return askHidden(session, question);
  await session.out.write(question);
  const { typed } = await import("./terminal/raw-mode.ts");
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of typed()) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("\n")) break;
  }
  return text.split("\n")[0]?.trim() ?? "";
}

const ENTER = new Set(["\r", "\n"]);
const ERASE = new Set(["\x7f", "\b"]);
const INTERRUPT = "\x03";
const END = "\x04";

/** Raw mode, so that the terminal doesn't echo; the few keys of a line are ours then. */
async function askHidden(session: Session, question: string): Promise<string> {
  const { restoreTerminal, setRawMode, typed } = await import("./terminal/raw-mode.ts");
  setRawMode(); // before the question: an answer may be quick
  await session.out.write(question);
  try {
    let text = "";
    for await (const chunk of typed()) {
      for (const key of new TextDecoder().decode(chunk)) {
        if (ENTER.has(key) || key === END) return text;
        if (key === INTERRUPT) {
          restoreTerminal();
          process.exit(130);
        }
        text = ERASE.has(key) ? text.slice(0, -1) : text + key;
      }
    }
    return text;
  } finally {
    restoreTerminal();
    await session.out.line();
  }
}
