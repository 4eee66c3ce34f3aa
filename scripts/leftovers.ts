// What a test run could leave behind in the kernel or on disk: an inventory before, a comparison after.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

type Inventory = Map<string, Set<string>>;

/** Milliseconds to wait for what the kernel and dying processes give back late (network namespaces: a grace period). */
const PATIENCE = 5_000;

const TEST_FOLDERS = /^berth-/;

function mounts(): Set<string> {
  const points = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return new Set(points.map((line) => line.split(" ")[4] ?? "").filter(Boolean));
}

function devices(): Set<string> {
  return new Set(readdirSync("/sys/class/net"));
}

/** Processes whose command line is ours: shims, daemons, workers, runtimes, registries of tests. */
function processes(): Set<string> {
  const found = new Set<string>();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      if (/\b(berth|berthd|docker-registry|crun|runc)\b/.test(line) && !line.includes("scripts/test.ts"))
        found.add(`${pid} ${line.slice(0, 160)}`);
    } catch {
      // It ended between the listing and the reading.
    }
  }
  return found;
}

/** Our tables, and our marked accepts in tables of others; without handles and counters, which move. */
async function rules(): Promise<Set<string>> {
  const nft = Bun.spawn(["nft", "list", "ruleset"], { stdout: "pipe", stderr: "ignore" });
  const text = await new Response(nft.stdout).text();
  const found = new Set<string>();
  let table = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("table ")) table = line.replace(" {", "");
    if (/^table \w+ berth/.test(line)) found.add(table);
    else if (/comment "berth/.test(line))
      found.add(`${table}: ${line.replace(/counter packets \d+ bytes \d+/, "").trim()}`);
  }
  return found;
}

/** Parents of their own that tests give their daemons' control groups (test/faults/inventory.ts). */
const TEST_PARENT = /^bt[0-9a-f]{10}$/;

/** Control groups of our containers, and tests' parents of them: a hierarchy of its own for each controller on v1, one on v2. */
function controlGroups(): Set<string> {
  const root = "/sys/fs/cgroup";
  const hierarchies = [root, ...subfolders(root)];
  const containers = hierarchies.flatMap((folder) => subfolders(join(folder, "berth")));
  return new Set([
    ...containers.filter((path) => /\/[0-9a-f]{64}$/.test(path)),
    ...hierarchies.flatMap(subfolders).filter((path) => TEST_PARENT.test(basename(path))),
  ]);
}

function subfolders(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
}

function folders(): Set<string> {
  const found = new Set<string>();
  for (const parent of new Set([tmpdir(), "/tmp", "/var/tmp"]))
    for (const name of readdirSync(parent)) if (TEST_FOLDERS.test(name)) found.add(`${parent}/${name}`);
  return found;
}

function loops(): Set<string> {
  return new Set(readdirSync("/sys/block").filter((name) => name.startsWith("loop") && isBacked(name)));
}

function isBacked(loop: string): boolean {
  try {
    return readFileSync(`/sys/block/${loop}/loop/backing_file`, "utf8").length > 0;
  } catch {
    return false;
  }
}

export async function takeInventory(): Promise<Inventory> {
  return new Map([
    ["mount", mounts()],
    ["network device", devices()],
    ["process", processes()],
    ["rule", await rules()],
    ["control group", controlGroups()],
    ["folder", folders()],
    ["loop device", loops()],
  ]);
}

/** What is here now and was not before, a line each, after waiting for what goes by itself. */
export async function leftovers(before: Inventory): Promise<string[]> {
  const until = Date.now() + PATIENCE;
  for (;;) {
    const now = await takeInventory();
    const extra = [...now].flatMap(([kind, things]) =>
      [...things].filter((thing) => !before.get(kind)?.has(thing)).map((thing) => `${kind}: ${thing}`),
    );
    if (extra.length === 0 || Date.now() > until) return extra;
    await Bun.sleep(100);
  }
}
