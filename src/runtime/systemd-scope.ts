// On hosts that systemd runs, a shim gets a scope of its own, so that stopping the daemon's unit leaves it alone:
// systemd.scope(5), and StartTransientUnit of org.freedesktop.systemd1(5).
import { statSync } from "node:fs";
import { log } from "../base/log.ts";

/** busctl answers in milliseconds, but systemd may be busy; nobody waits for this: milliseconds. */
const LIMIT = 30_000;
/** How long systemd waits at a shutdown for a shim whose container still stops, in microseconds. */
const STOP_LIMIT = 10_000_000;

let runsHost: boolean | undefined;

/** True where systemd is process 1 of this host: sd_booted(3). */
export function systemdRunsHost(): boolean {
  runsHost ??= statSync("/run/systemd/system", { throwIfNoEntry: false })?.isDirectory() ?? false;
  return runsHost;
}

/**
 * Moves a shim out of the daemon's unit. Not awaited by a start: until it is done the unit's KillMode=process keeps the
 * shim alive. A failure is logged, since the container runs all the same.
 */
export async function moveToScope(containerId: string, pid: number): Promise<void> {
  const child = Bun.spawn({
    cmd: scopeCommand(containerId, pid),
    stdio: ["ignore", "ignore", "pipe"],
    timeout: LIMIT,
  });
  const [status, said] = await Promise.all([child.exited, child.stderr.text()]);
  if (status !== 0)
    log.warn("the shim stays in the daemon's unit", { container: containerId, error: said.trim() });
}

/** The call as busctl(1) takes it: a signature, then each value. */
export function scopeCommand(containerId: string, pid: number): string[] {
  const properties: [name: string, signature: string, ...values: string[]][] = [
    ["Description", "s", `Berth: shim of container ${containerId}`],
    ["PIDs", "au", "1", String(pid)],
    // One that failed would stay in the list of units.
    ["CollectMode", "s", "inactive-or-failed"],
    ["TimeoutStopUSec", "t", String(STOP_LIMIT)],
  ];
  // With the pid, since a scope is gone a moment after its process, and a restart may come before.
  const unit = `berth-shim-${containerId}-${pid}.scope`;
  return [
    "busctl",
    "call",
    "--quiet",
    "org.freedesktop.systemd1",
    "/org/freedesktop/systemd1",
    "org.freedesktop.systemd1.Manager",
    "StartTransientUnit",
    "ssa(sv)a(sa(sv))",
    unit,
    "replace",
    String(properties.length),
    ...properties.flat(),
    "0",
  ];
}
