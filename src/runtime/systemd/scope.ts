// Scopes of systemd (systemd.scope(5)): a shim and its container live in one, so that whoever stops the daemon's unit
// leaves both alone. One call of StartTransientUnit (org.freedesktop.systemd1(5)) over systemd's own socket, which
// systemctl uses too: a process less than busctl(1), and no message bus needed.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { messageOf, systemError, unavailable } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { type Message, methodCall, readMessage, type Variant, Writer } from "./dbus.ts";

const SOCKET = "/run/systemd/private";
/** systemd answers in milliseconds, but it may be busy, at boot above all: milliseconds. */
const LIMIT = 60_000;
/** How often a unit that is about to go is tried again: milliseconds. */
const AGAIN = 10;
/** How long systemd waits at a shutdown for a container that still stops, in microseconds. */
const STOP_LIMIT = 10_000_000;

let runsHost: boolean | undefined;

/** True where systemd is process 1 of this host (sd_booted(3)) and we can reach it. */
export function systemdRunsHost(): boolean {
  runsHost ??= existsSync("/run/systemd/system") && existsSync(SOCKET);
  return runsHost;
}

export interface Scope {
  /** The slice that it is in: `system.slice`. */
  slice: string;
  /** `berth-ID.scope`. */
  unit: string;
  description: string;
}

/**
 * Makes a scope with one process in it. Resolves when the process is there. A unit of the name that is about to go
 * (its last process ended a moment ago) is waited for. Errors: unavailable where systemd doesn't answer in a minute;
 * system with what it said.
 */
export async function startScope(scope: Scope, pid: number): Promise<void> {
  const until = Date.now() + LIMIT;
  for (;;) {
    const said = await startTransientUnit(scope, pid, Math.max(1, until - Date.now()));
    if (said === undefined) return;
    const going = said.startsWith("org.freedesktop.systemd1.UnitExists");
    if (!going || Date.now() > until) throw systemError(`systemd did not start ${scope.unit}: ${said}`);
    await Bun.sleep(AGAIN);
  }
}

/** The container's scope: shim and container side by side in it, so that the shim is never under the container's limits. */
export async function enterContainerScope(
  cgroup: { slice: string; unit: string; folder: string },
  id: string,
  shimPid: number,
): Promise<void> {
  const { slice, unit, folder } = cgroup;
  await startScope({ slice, unit, description: `Berth: container ${id}` }, shimPid);
  // A group with processes of its own can't hand controllers down (cgroups(7), "no internal processes").
  mkdirSync(`${folder}/shim`, { recursive: true });
  writeFileSync(`${folder}/shim/cgroup.procs`, String(shimPid));
}

/**
 * A scope for a shim alone, where cgroups are not systemd's to manage but it runs the host. Not awaited by a start, and
 * no error of it: the container runs all the same.
 */
export async function moveShimAway(id: string, shimPid: number): Promise<void> {
  // With the pid, since a scope is gone a moment after its process, and a restart may come before.
  const unit = `berth-shim-${id}-${shimPid}.scope`;
  try {
    await startScope({ slice: "system.slice", unit, description: `Berth: shim of container ${id}` }, shimPid);
  } catch (error) {
    log.warn("the shim stays in the daemon's unit", { container: id, error: messageOf(error) });
  }
}

/**
 * Takes this process out of the unit that it was started in, for a daemon that a person's command started: their
 * session's end is not its. berth.service, when it starts, stops this scope first (`Conflicts=`).
 */
export async function enterOwnScope(unit: string): Promise<void> {
  if (!systemdRunsHost()) return;
  try {
    await startScope({ slice: "system.slice", unit, description: "Berth container engine" }, process.pid);
  } catch (error) {
    log.warn("the daemon stays in the unit that it was started in", { error: messageOf(error) });
  }
}

const SERIAL = 1;

/** StartTransientUnit's message. */
export function startTransientUnitCall({ slice, unit, description }: Scope, pid: number): Uint8Array {
  const properties: [name: string, value: Variant][] = [
    ["Description", ["s", description]],
    ["Slice", ["s", slice]],
    ["PIDs", ["au", [pid]]],
    // Below it the runtime makes groups and hands controllers down.
    ["Delegate", ["b", true]],
    // One that failed would stay in the list of units.
    ["CollectMode", ["s", "inactive-or-failed"]],
    ["TimeoutStopUSec", ["t", STOP_LIMIT]],
  ];
  const body = new Writer().string(unit).string("fail");
  body.array(8, () => {
    for (const [name, value] of properties) body.align(8).string(name).variant(value);
  });
  body.array(8, () => {}); // no auxiliary units
  const call = {
    serial: SERIAL,
    destination: "org.freedesktop.systemd1",
    path: "/org/freedesktop/systemd1",
    interface: "org.freedesktop.systemd1.Manager",
    member: "StartTransientUnit",
  };
  return methodCall(call, "ssa(sv)a(sa(sv))", body);
}

/** Undefined when the unit was started, else why not: an error's name and text, or the job's result. */
function startTransientUnit(scope: Scope, pid: number, limit: number): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const socket = connect(SOCKET);
  const timer = setTimeout(() => reject(unavailable(`systemd did not answer for ${limit} ms`)), limit);
  const user = Buffer.from(String(process.geteuid?.() ?? 0)).toString("hex");
  let received: Buffer = Buffer.alloc(0);
  let greeted = false;
  // All in one go, as systemctl does it (D-Bus specification, "Authentication Protocol").
  socket.write(`\0AUTH EXTERNAL ${user}\r\nBEGIN\r\n`);
  socket.write(startTransientUnitCall(scope, pid));
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (!greeted) {
      const line = received.indexOf("\r\n");
      if (line < 0) return;
      if (!received.toString("latin1").startsWith("OK ")) {
        reject(unavailable(`systemd refused: ${received.toString("latin1", 0, line)}`));
        return;
      }
      greeted = true;
      received = received.subarray(line + 2);
    }
    for (let next = readMessage(received); next; next = readMessage(received)) {
      received = received.subarray(next.end);
      const outcome = outcomeOf(next.message, scope.unit);
      if (outcome) resolve(outcome.failure);
    }
  });
  socket.on("error", (error) => reject(unavailable(`systemd can't be asked: ${error.message}`, error)));
  socket.on("close", () => reject(unavailable("systemd closed its socket before it answered")));
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

/** What a message says of the unit's start; undefined: something else, or not the end of it. */
export function outcomeOf(
  { type, member, errorName, replySerial, values }: Message,
  unit: string,
): { failure: string | undefined } | undefined {
  if (type === "error" && replySerial === SERIAL)
    return { failure: `${errorName}: ${String(values[0] ?? "")}` };
  // JobRemoved(id, job, unit, result): on this socket signals come without a subscription.
  if (type !== "signal" || member !== "JobRemoved" || values[2] !== unit) return undefined;
  return { failure: values[3] === "done" ? undefined : `the job's result is ${String(values[3])}` };
}
