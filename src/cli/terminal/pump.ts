// Moves bytes between our own streams and a container's (attach, exec): input until its end, then half-closed;
// output until its end, apart into standard output and standard error where there is no terminal.
import { demultiplexRuns, type HijackedStream } from "../../sdk/index.ts";
import type { Session } from "../session.ts";
import { DEFAULT_DETACH_KEYS, Detached, parseDetachKeys, watchForDetach } from "./detach-keys.ts";

export interface PumpOptions {
  /** The container has a terminal: output is one raw stream, keys are watched for the detach sequence. */
  tty: boolean;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  detachKeys?: string;
}

export interface Pump {
  /** Ends with the container's output. Throws Detached when the keys were pressed. */
  done: Promise<void>;
  /** Gives the terminal back; the streams may go on. */
  restore(): void;
}

/** Starts both directions. With a terminal on our side as well it is raw until the output ends. */
export async function pump(session: Session, stream: HijackedStream, options: PumpOptions): Promise<Pump> {
  const { isTerminal } = await import("../output.ts");
  const terminal = options.stdin && options.tty && isTerminal(0) ? await import("./raw-mode.ts") : undefined;
  terminal?.setRawMode();
  const restore = () => terminal?.restoreTerminal();
  const output = writeOutput(session, stream, options).finally(restore);
  const input = options.stdin ? readInput(session, stream, options, terminal?.typed()) : neverEnds;
  // Input that ends is not the end; input that detaches is.
  const done = Promise.race([output, input.then(() => output)]).finally(restore);
  done.catch(() => {}); // whoever awaits it hears of it
  return { done, restore };
}

const neverEnds = new Promise<void>(() => {});

async function writeOutput(session: Session, stream: HijackedStream, options: PumpOptions): Promise<void> {
  const { out, err } = session;
  if (options.tty) {
    for await (const chunk of stream) await out.write(chunk);
    return;
  }
  for await (const { stream: name, data } of demultiplexRuns(stream)) {
    if (name === "systemerr") throw new Error(`error from daemon in stream: ${Buffer.from(data).toString()}`);
    if (name === "stderr") {
      if (options.stderr) await err.write(data);
    } else if (options.stdout) await out.write(data);
  }
}

async function readInput(
  session: Session,
  stream: HijackedStream,
  options: PumpOptions,
  typed: AsyncIterable<Uint8Array> | undefined,
): Promise<void> {
  let source: AsyncIterable<Uint8Array> = typed ?? standardInput();
  if (options.tty) source = watchForDetach(source, await detachKeys(session, options.detachKeys));
  try {
    for await (const chunk of source) await stream.write(chunk);
  } catch (thrown) {
    if (thrown instanceof Detached) throw thrown;
    return; // the container doesn't read any more: its output says how it ended
  }
  stream.closeWrite();
}

async function* standardInput(): AsyncGenerator<Uint8Array> {
  const reader = Bun.stdin.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

async function detachKeys(session: Session, given: string | undefined): Promise<number[]> {
  const text = given || (await session.config()).detachKeys || DEFAULT_DETACH_KEYS;
  try {
    return parseDetachKeys(text);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    await session.err.line(`WARNING: invalid detach escape keys, using default: ${why}`);
    return parseDetachKeys(DEFAULT_DETACH_KEYS);
  }
}
