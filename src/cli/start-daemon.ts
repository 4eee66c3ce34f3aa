// Starts the daemon when nobody answers on our own socket and we are root: `berth run` is then the first command
// that a person has to know. One starter at a time; its environment is clean; its output goes to a log file.
import { existsSync } from "node:fs";
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { selfCommand } from "../base/self.ts";
import { connect, SdkError } from "../sdk/index.ts";
import { fail } from "./framework/failure.ts";
import type { Output } from "./output.ts";

const FOLDER = "/run/berth";
const LOCK = `${FOLDER}/starting`;
const LOG = `${FOLDER}/daemon.log`;
/**
 * A first start makes devices, rules and a database: seconds even on a slow machine; one after a boot waits for disks
 * and starts containers. A daemon that died is seen at once, so this is for one that hangs.
 */
const PATIENCE_MS = 120_000;
const STEP_MS = 25;
const UNIT = "berth.service";
/** Where systemd looks for units that a person or a package installed: systemd.unit(5). */
const UNIT_FOLDERS = ["/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"];

/** True when a daemon answers afterwards; false when we may not start one. */
export async function startDaemon(host: string, err: Output): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  await mkdir(FOLDER, { recursive: true, mode: 0o711 });
  const deadline = Date.now() + PATIENCE_MS;
  const mine = await takeLock(deadline);
  if (!mine) return waitFor(host, deadline);
  try {
    if (await answers(host)) return true; // the starter before us was quicker
    await err.line("Starting the Berth daemon…");
    const daemon = await spawnDaemon();
    return await waitFor(host, deadline, daemon);
  } finally {
    await rm(LOCK, { force: true });
  }
}

async function spawnDaemon(): Promise<{ exitCode: number | null }> {
  const log = await open(LOG, "a", 0o640);
  try {
    // Where it is installed as a service, that is the daemon: a second one would be in its way.
    const command = hasUnit() ? ["systemctl", "start", UNIT] : selfCommand("daemon");
    const daemon = Bun.spawn(command, {
      cwd: "/",
      // Nothing of the caller's shell is the daemon's: proxies, locale and credentials come from its own settings.
      env: {
        PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        HOME: "/root",
        // Nor its login session, whose end may end all that is in it (engine/start.ts reads this).
        BERTH_SCOPE: "berth-daemon.scope",
      },
      stdin: "ignore",
      stdout: log.fd,
      stderr: log.fd,
      detached: true, // a session of its own: the terminal's signals are not for it
    });
    daemon.unref();
    return daemon;
  } finally {
    await log.close();
  }
}

const hasUnit = (): boolean =>
  existsSync("/run/systemd/system") && UNIT_FOLDERS.some((folder) => existsSync(`${folder}/${UNIT}`));

/** The lock is a file with the starter's process id; a dead starter's lock is nobody's. */
async function takeLock(deadline: number): Promise<boolean> {
  while (Date.now() < deadline) {
    try {
      await writeFile(LOCK, String(process.pid), { flag: "wx" });
      return true;
    } catch (thrown) {
      if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST")) throw thrown;
    }
    const holder = Number(await readFile(LOCK, "utf8").catch(() => ""));
    if (holder > 0 && !alive(holder)) await rm(LOCK, { force: true });
    else await Bun.sleep(STEP_MS);
  }
  return false;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function waitFor(
  host: string,
  deadline: number,
  daemon?: { exitCode: number | null },
): Promise<boolean> {
  while (Date.now() < deadline) {
    const ended = daemon !== undefined && daemon.exitCode !== null; // systemctl ends well when the daemon answers
    if (await answers(host)) return true;
    if (ended) break;
    await Bun.sleep(STEP_MS);
  }
  const log = await readFile(LOG, "utf8").catch(() => "");
  const last = log.trimEnd().split("\n").slice(-5).join("\n");
  throw fail(`The Berth daemon did not start${last ? `; the end of ${LOG}:\n${last}` : `; see ${LOG}`}`);
}

async function answers(host: string): Promise<boolean> {
  try {
    await connect({ host }).system.ping();
    return true;
  } catch (thrown) {
    if (thrown instanceof SdkError) return false;
    throw thrown;
  }
}
