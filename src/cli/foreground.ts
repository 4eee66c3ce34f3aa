// A container in the foreground: its streams are ours until it ends or we detach, signals are passed on, the exit
// code is its own. Used by `run`, `start -a` and `attach`.
import { type Client, type ContainerWaitResponse, SdkError, type WaitCondition } from "../sdk/index.ts";
import { describe } from "./describe.ts";
import { CommandFailure, EXIT, fail } from "./framework/failure.ts";
import { isTerminal } from "./output.ts";
import type { Session } from "./session.ts";
import { Detached } from "./terminal/detach-keys.ts";
import type { Pump } from "./terminal/pump.ts";

export interface Foreground {
  client: Client;
  id: string;
  tty: boolean;
  streams: { stdin: boolean; stdout: boolean; stderr: boolean };
  detachKeys?: string;
  passSignals: boolean;
  wait: WaitCondition;
  /** Starts the container once streams and wait stand; left out where it runs already. */
  start?: () => Promise<void>;
  /** Dresses up what `start` throws. */
  failure?: (thrown: unknown) => unknown;
  /** Detaching is an end like any other, not a failure. */
  detachIsFine?: boolean;
}

/** Input from a terminal can only come from one. */
export function requireTerminal(stdin: boolean, tty: boolean): void {
  if (stdin && tty && !isTerminal(0)) throw fail("the input device is not a TTY");
}

/** Loads what `stay` needs; called while the daemon makes the container, it costs nothing. */
export function prepareToStay(client: Client): void {
  void client.connection.prepareStreams();
  void import("./terminal/signals.ts");
  void import("./terminal/pump.ts");
}

/** Gives the exit code. */
export async function stay(session: Session, options: Foreground): Promise<number> {
  const { client, id, tty, streams } = options;
  let pumped: Pump | undefined;
  const restore = () => pumped?.restore();
  const [{ endAtSignals, passSignalsOn }, { pump }] = await Promise.all([
    import("./terminal/signals.ts"),
    import("./terminal/pump.ts"),
  ]);
  const ignoreSignals = options.passSignals ? passSignalsOn(client, id, { restore }) : endAtSignals(restore);
  let unfollow: (() => void) | undefined;
  try {
    // Side by side: both must stand before the container starts, neither needs the other.
    const waiting = client.containers.wait(id, { condition: options.wait });
    const [stream] = await Promise.all([
      client.containers.attach(id, { ...streams, detachKeys: await detachKeysOf(session, options) }),
      waiting.registered,
    ]);
    pumped = await pump(session, stream, { tty, ...streams, detachKeys: options.detachKeys });
    if (options.start) await startOrFail(options, options.start, pumped, waiting.result);
    if (tty && session.out.isTerminal()) {
      const { followSize } = await import("./terminal/resize.ts");
      unfollow = followSize(session, (size) => client.containers.resize(id, size));
    }
    await pumped.done;
    return exitCode(await waiting.result.catch((thrown: unknown) => lost(options, thrown)));
  } catch (thrown) {
    if (thrown instanceof Detached && options.detachIsFine !== false) return 0;
    throw thrown;
  } finally {
    unfollow?.();
    ignoreSignals();
    restore();
  }
}

async function detachKeysOf(session: Session, { detachKeys }: Foreground): Promise<string | undefined> {
  return detachKeys || (await session.config()).detachKeys || undefined;
}

async function startOrFail(
  options: Foreground,
  start: () => Promise<void>,
  pumped: Pump,
  result: Promise<unknown>,
): Promise<void> {
  try {
    await start();
  } catch (thrown) {
    pumped.restore();
    // `--rm` removes what could not be started: the name is free again when we say that it failed.
    if (options.wait === "removed") await result.catch(() => {});
    throw options.failure?.(thrown) ?? thrown;
  }
}

/** The daemon is gone, the container perhaps not: what ran it has an exit code of its own for that. */
function lost({ start }: Foreground, thrown: unknown): never {
  if (!start || !(thrown instanceof SdkError)) throw thrown;
  throw new CommandFailure(`error waiting for container: ${describe(thrown)}`, EXIT.usage, { cause: thrown });
}

function exitCode({ StatusCode, Error: problem }: ContainerWaitResponse): number {
  if (problem?.Message)
    throw new CommandFailure(`Error waiting for container: ${problem.Message}`, EXIT.usage);
  return StatusCode;
}
