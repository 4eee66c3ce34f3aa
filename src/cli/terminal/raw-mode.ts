// The terminal on standard input, byte by byte while a container has it, and as it was on every way out.
import { ReadStream } from "node:tty";

let opened: ReadStream | undefined;
let raw = false;

/** The one reader of the terminal; made once, since two would share its keys between them. */
function terminal(): ReadStream {
  opened ??= new ReadStream(0);
  return opened;
}

/** Passes keys on as they are (no echo, no lines, no signals) until `restoreTerminal`, or the process' end. */
export function setRawMode(): void {
  if (raw) return;
  raw = true;
  process.on("exit", restoreTerminal);
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
  terminal().setRawMode(true);
  // setRawMode leaves output processing on: a line feed that a program in the container means as one would become a
  // carriage return too. stty(1) is on every system that has terminals; without it only such programs look wrong.
  // What setRawMode saved before puts this back as well.
  if (Bun.which("stty"))
    Bun.spawnSync(["stty", "-opost"], { stdin: "inherit", stdout: "ignore", stderr: "ignore" });
}

/** Gives the terminal back as it was. May be called at any time, and twice. */
export function restoreTerminal(): void {
  if (!raw) return;
  raw = false;
  opened?.setRawMode(false);
}

function crash(thrown: unknown): void {
  restoreTerminal();
  console.error(thrown);
  process.exit(1);
}

let keys: AsyncIterator<Uint8Array> | undefined;

/** What is typed, as it comes. Whoever stops reading leaves the terminal open for the next reader. */
export async function* typed(): AsyncGenerator<Uint8Array> {
  keys ??= terminal()[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  for (;;) {
    const { done, value } = await keys.next();
    if (done) return;
    yield value;
  }
}
