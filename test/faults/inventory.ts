// All that a daemon has on its host, to be compared before and after something that must leave nothing behind.
import { Database } from "bun:sqlite";
import { expect } from "bun:test";
import { randomBytes } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { nftList } from "../../src/linux/nftables.ts";
import { tableOf } from "../../src/networks/drivers/bridge-rules.ts";
import { type Daemon, type DaemonOptions, startDaemon, waitFor } from "../fixtures/daemon.ts";

/** Each list is sorted; what is in it names itself. */
export interface Inventory {
  mounts: string[];
  /** Devices on its bridge. */
  devices: string[];
  /** Its table's rules, sets and elements. */
  rules: string[];
  /** Files and folders below the data root and the execution root, as deep as their names mean something. */
  files: string[];
  /** `table: primary key`. */
  rows: string[];
  /** Shims, workers, runtimes, and whatever runs in its control groups. */
  processes: string[];
  cgroups: string[];
}

export type WatchedDaemon = Daemon & { readonly cgroupParent: string };

/** A daemon whose control groups can be told from those of others. */
export async function startWatchedDaemon(options: DaemonOptions = {}): Promise<WatchedDaemon> {
  const bridge = `bt${randomBytes(5).toString("hex")}`;
  const cgroupParent = `/${bridge}`;
  const args = ["--cgroup-parent", cgroupParent, ...(options.args ?? [])];
  const daemon = await startDaemon({ ...options, bridge, args });
  const dispose = daemon[Symbol.asyncDispose].bind(daemon);
  return Object.assign(daemon, {
    cgroupParent,
    async [Symbol.asyncDispose]() {
      await dispose();
      // A failed test may leave processes; who cleans up must not fail before the end.
      for (const folder of cgroupFolders(cgroupParent).reverse()) {
        for (const pid of readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean))
          process.kill(Number(pid), "SIGKILL");
        await waitFor(
          () => readFileSync(join(folder, "cgroup.procs"), "utf8") === "",
          "the group to be empty",
        );
        rmdirSync(folder);
      }
    },
  });
}

export function inventory(daemon: WatchedDaemon): Inventory {
  return {
    mounts: mountsBelow(daemon.folder),
    devices: names(`/sys/class/net/${daemon.bridge}/brif`),
    rules: rulesOf(daemon.bridge),
    files: [...DATA_FOLDERS.flatMap((f) => filesIn(daemon.dataRoot, f)), ...execFiles(daemon)].sort(),
    rows: rowsOf(join(daemon.dataRoot, "berth.db")),
    processes: processesOf(daemon),
    cgroups: cgroupFolders(daemon.cgroupParent).filter((folder) => !folder.endsWith(daemon.cgroupParent)),
  };
}

/** Milliseconds: namespaces, devices and folders are deleted after the answer. */
const SETTLE = 10_000;

/** Waits until the daemon has what it had before, no more and no less, or so of these parts alone. `limit` in milliseconds. */
export async function expectSame(
  daemon: WatchedDaemon,
  before: Inventory,
  { limit = SETTLE, parts }: { limit?: number; parts?: readonly (keyof Inventory)[] } = {},
): Promise<void> {
  const look = () => only(inventory(daemon), parts);
  const wanted = only(before, parts);
  let now = look();
  for (const until = Date.now() + limit; Date.now() < until && !Bun.deepEquals(now, wanted); ) {
    await Bun.sleep(20);
    now = look();
  }
  expect(now).toEqual(wanted);
  if (!parts) quiet.set(daemon, before);
}

const only = (all: Inventory, parts?: readonly (keyof Inventory)[]): Partial<Inventory> =>
  parts ? Object.fromEntries(parts.map((part) => [part, all[part]])) : all;

/** What each daemon had when it was last seen to have settled. */
const quiet = new WeakMap<WatchedDaemon, Inventory>();

/** Milliseconds without a change after which what went before is over: a namespace's end takes some 25. */
const QUIET = 250;

/** The inventory once nothing of what went before goes on: at once when it is what it was at the last such time. */
export async function settled(daemon: WatchedDaemon): Promise<Inventory> {
  let now = inventory(daemon);
  if (Bun.deepEquals(now, quiet.get(daemon))) return now;
  let since = Date.now();
  for (const until = Date.now() + SETTLE; Date.now() < until && Date.now() - since < QUIET; ) {
    await Bun.sleep(50);
    const next = inventory(daemon);
    if (!Bun.deepEquals(next, now)) since = Date.now();
    now = next;
  }
  quiet.set(daemon, now);
  return now;
}

/** Does something that fails and must leave nothing behind. */
export async function leavingNothing<T>(daemon: WatchedDaemon, work: () => Promise<T>): Promise<T> {
  const before = await settled(daemon);
  const result = await work();
  await expectSame(daemon, before);
  return result;
}

function names(folder: string): string[] {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder).sort() : [];
}

function mountsBelow(folder: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((target) => target.startsWith(`${folder}/`))
    .map((target) => target.slice(folder.length))
    .sort();
}

function rulesOf(bridge: string): string[] {
  // Handles count on with every change; all else is the rule.
  const plain = (_: string, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).filter(([key]) => key !== "handle"))
      : value;
  return (
    (nftList(`list table inet ${tableOf(bridge)}`) ?? [])
      // Other engines' bridges come and go as they like.
      .filter((entry) => !("metainfo" in entry) && (entry.set as { name?: string })?.name !== "others")
      .map((entry) => JSON.stringify(entry, plain))
      .sort()
  );
}

/** Of the data root: folders that hold one entry a thing. */
const DATA_FOLDERS = ["containers", "content", "content/sha256", "ingest", "snapshots", "volumes", "scratch"];

const filesIn = (root: string, folder: string) =>
  names(join(root, folder)).map((name) => `${folder}/${name}`);

/** What is in the folders that ends with its container; the folders themselves come with the first of each. */
function execFiles({ execRoot }: Daemon): string[] {
  return names(execRoot).flatMap((folder) =>
    names(join(execRoot, folder)).map((name) => `run/${folder}/${name}`),
  );
}

/** Of a copy, since a daemon is alone with its database; one that was made in the middle of a change is made again. */
function rowsOf(path: string): string[] {
  for (let attempt = 0; ; attempt++) {
    const folder = mkdtempSync(join(tmpdir(), "berth-test-rows-"));
    try {
      for (const name of [path, `${path}-wal`])
        if (existsSync(name)) copyFileSync(name, join(folder, basename(name)));
      return readRows(join(folder, basename(path)));
    } catch (error) {
      if (attempt === 5) throw error;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
}

function readRows(path: string): string[] {
  using db = new Database(path, { readwrite: true });
  const tables = db
    .query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all() as { name: string }[];
  return tables
    .flatMap(({ name }) => {
      const columns = db.query(`PRAGMA table_info(${name})`).all() as { name: string; pk: number }[];
      const key = columns.filter(({ pk }) => pk > 0).map((column) => column.name);
      return db
        .query(`SELECT ${key.join(", ")} FROM ${name}`)
        .values()
        .map((row) => `${name}: ${row.join(" ")}`);
    })
    .sort();
}

function cgroupFolders(parent: string): string[] {
  const root = "/sys/fs/cgroup";
  const walk = (folder: string): string[] =>
    existsSync(folder)
      ? [
          folder,
          ...readdirSync(folder, { withFileTypes: true })
            .filter((entry) => entry.isDirectory())
            .flatMap((entry) => walk(join(folder, entry.name))),
        ]
      : [];
  if (existsSync(`${root}/cgroup.controllers`)) return walk(root + parent);
  return names(root).flatMap((hierarchy) => walk(join(root, hierarchy) + parent));
}

function processesOf(daemon: WatchedDaemon): string[] {
  const found: string[] = [];
  const all = new Map<number, { parent: number; command: string; cgroups: string }>();
  for (const name of readdirSync("/proc").filter((n) => /^\d+$/.test(n))) {
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").join(" ");
      const [, rest = ""] = /\) (.*)/s.exec(readFileSync(`/proc/${name}/stat`, "utf8")) ?? [];
      const cgroups = readFileSync(`/proc/${name}/cgroup`, "utf8");
      all.set(Number(name), { parent: Number(rest.split(" ")[1]), command, cgroups });
    } catch {
      // It ended meanwhile.
    }
  }
  const isBelowDaemon = (pid: number): boolean => {
    const parent = all.get(pid)?.parent;
    return parent !== undefined && parent > 1 && (parent === daemon.pid || isBelowDaemon(parent));
  };
  for (const [pid, { command, cgroups }] of all) {
    if (pid === daemon.pid || pid === process.pid || command === "") continue; // without one: ended, not yet reaped
    const isShim = command.includes(` shim ${daemon.execRoot}`);
    if (isShim || cgroups.includes(`:${daemon.cgroupParent}/`) || isBelowDaemon(pid))
      found.push(`${pid} ${command}`);
  }
  return found.sort();
}
