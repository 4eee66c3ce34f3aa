// The rules of ARCHITECTURE.md's "Rooms" as a function of one file: who may import whom, FFI in linux/ alone, who may
// start a process. What counts as an import is what Bun's own scanner sees, so no spelling gets past.
import { dirname, join, normalize } from "node:path";

/** A room may import the rooms named, and base and oci, which know no room. Type imports count too. */
const MAY: Record<string, string[]> = {
  base: [],
  oci: [],
  linux: [],
  archive: ["linux"],
  // BuildKit's wire, for both of its ends.
  buildkit: [],
  store: ["archive", "buildkit", "linux"],
  registry: ["linux"],
  runtime: ["store", "linux"],
  volumes: ["registry", "store", "runtime", "linux"],
  networks: ["registry", "store", "runtime", "linux"],
  builder: ["buildkit", "registry", "store", "runtime", "linux"],
  images: ["registry", "store", "runtime", "linux"],
  containers: ["registry", "store", "runtime", "linux"],
  engine: [
    "containers",
    "images",
    "builder",
    "networks",
    "volumes",
    "buildkit",
    "registry",
    "store",
    "runtime",
    "linux",
  ],
  api: ["engine", "containers", "images", "builder", "networks", "volumes", "buildkit", "registry", "store"],
  sdk: ["buildkit"],
  compose: ["sdk"],
  // The client's own side of `cp`: files of its host, to and from an archive.
  cli: ["sdk", "compose", "archive", "buildkit"],
};

/** The wire's vocabulary (types only) is for everybody but the client's rooms, which get it from the SDK. */
const VOCABULARY = "src/api/types/";
const KNOWS_VOCABULARY = new Set(
  "sdk engine containers images builder networks volumes runtime api".split(" "),
);
/** What a room knows of a sibling are its types: a container's record holds mounts that volumes/ resolved. */
const TYPES = /\/types\.ts$/;

/** src/main.ts picks the role: it loads each role's door, when it is that role. */
const ROLES = new Set(
  ["runtime/shim/index.ts", "store/worker/index.ts", "api/index.ts", "cli/index.ts"].map((f) => `src/${f}`),
);

/** Who starts processes besides runtime/ and linux/, and what: an OCI runtime is runtime's alone. */
const STARTS_PROCESSES = new Map([
  ["src/store/unpack.ts", "the confined worker"],
  ["src/store/pack.ts", "the confined worker"],
  ["src/store/pack-layer.ts", "the confined worker"],
  ["src/store/tree-view.ts", "the confined worker"],
  ["src/store/changes.ts", "the confined worker"],
  ["src/store/context-sync.ts", "the confined worker"],
  ["src/store/file-actions.ts", "the confined worker"],
  ["src/store/mount-apart.ts", "a process for one mount"],
  ["src/store/content-digest.ts", "the confined worker"],
  ["src/store/clone-layer.ts", "cp"],
  ["src/store/copy-backend.ts", "cp"],
  ["src/store/decompress-stream.ts", "bzip2, xz"],
  ["src/store/layer-sync.ts", "sync"],
  ["src/builder/sources/git.ts", "git"],
  ["src/volumes/disk.ts", "cp"],
  ["src/containers/top.ts", "ps"],
  ["src/images/built-in/busybox.ts", "busybox --list"],
  ["src/sdk/ssh.ts", "ssh"],
  ["src/cli/credentials.ts", "docker-credential-*"],
  ["src/cli/build-options/git-attributes.ts", "git"],
  ["src/cli/build-history/browser.ts", "xdg-open and its kin"],
  ["src/cli/terminal/raw-mode.ts", "stty"],
  ["src/cli/build-history/browser.ts", "the desktop's browser"],
  ["src/cli/start-daemon.ts", "the daemon, systemctl"],
]);

export const roomOf = (path: string): string | undefined => /^src\/([^/]+)\//.exec(path)?.[1];

interface Imported {
  path: string;
  typeOnly: boolean;
}

const scanner = new Bun.Transpiler({ loader: "ts" });

/** What a file imports: values as Bun sees them, types by their statements (Bun drops those). */
export function importsOf(text: string): Imported[] {
  const values = scanner.scanImports(text).map(({ path }) => path);
  const statements = text.matchAll(/\bfrom\s*["'`]([^"'`]+)["'`]|\bimport\(\s*["'`]([^"'`]+)["'`]\s*\)/g);
  const types = [...statements]
    .map(([, from, inline]) => from ?? inline ?? "")
    .filter((p) => !values.includes(p));
  return [
    ...values.map((path) => ({ path, typeOnly: false })),
    ...types.map((path) => ({ path, typeOnly: true })),
  ];
}

/** What is wrong with one file, a sentence each. `path` is relative to the project, as in src/api/router.ts. */
export function problemsOf(path: string, text: string): string[] {
  const room = roomOf(path);
  if (room && !(room in MAY)) return [`${path}: "${room}" is no room; see ARCHITECTURE.md`];
  const problems: string[] = [];
  const say = (problem: string) => problems.push(`${path}: ${problem}`);
  for (const imported of importsOf(text)) {
    if (imported.path === "bun:ffi" && room !== "linux") say("FFI is for linux/ alone");
    if (!imported.path.startsWith(".")) continue;
    const problem = refusal(path, normalize(join(dirname(path), imported.path)), imported.typeOnly);
    if (problem) say(problem);
  }
  if (path.endsWith(".test.ts") || path.includes("/cases/")) return problems;
  const code = scanner.transformSync(text);
  // A method may be called "import"; a dynamic one stands where a value does.
  if (/(?:await|return|=>|[=(,])\s*(?:import|require)\(\s*(?!(["'])[^"']*\1\s*\))/.test(code))
    say("import() and require() take a literal: what is loaded must be seen by this lint");
  if (
    /\b(?:spawn|spawnSync|spawnProcess|exec|execFile|fork|Bun\.\$)\s*[(`]/.test(startsOf(code)) &&
    !mayStart(path, room)
  )
    say("who may start a process is listed in scripts/room-rules.ts");
  return problems;
}

/** The parts of the code that could start a process: `Bun.spawn`, `spawnProcess` of linux/, node:child_process. */
function startsOf(code: string): string {
  const calls = code.match(/\bBun\.(?:spawn|spawnSync|\$)\s*[(`]|\bspawnProcess\s*\(/g) ?? [];
  return /node:child_process|["']child_process["']/.test(code) ? "spawn(" : calls.join(" ");
}

const mayStart = (path: string, room: string | undefined) =>
  room === "runtime" || room === "linux" || STARTS_PROCESSES.has(path);

function refusal(path: string, file: string, typeOnly: boolean): string | undefined {
  const room = roomOf(path);
  const other = roomOf(file);
  if (!room)
    return other && !ROLES.has(file) && !(other === "base")
      ? `main.ts loads the roles' doors, not ${file}`
      : undefined;
  if (!other || other === room || other === "base" || other === "oci") return undefined;
  const vocabulary = file.startsWith(VOCABULARY);
  const allowed =
    MAY[room]?.includes(other) ||
    (typeOnly && vocabulary && KNOWS_VOCABULARY.has(room)) ||
    (typeOnly && TYPES.test(file) && !["cli", "compose", "sdk"].includes(room));
  if (!allowed) return `${room}/ may not import ${file} (rooms below it: ${MAY[room]?.join(", ") || "none"})`;
  if (!path.endsWith(".test.ts") && !vocabulary && !isDoor(file))
    return `import ${other}/ through its index.ts or types.ts, not ${file}`;
  return undefined;
}

/**
 * A room's door is index.ts and types.ts; linux/ has one file a subject, each a door of its own; in buildkit/ each subject's
 * folder has a door, so that a client loads what its command needs, and the generated messages are doors.
 */
function isDoor(file: string): boolean {
  if (/^src\/buildkit\/(?:messages\/[^/]+_pb|[^/]+\/index)\.ts$/.test(file)) return true;
  return /^src\/[^/]+\/(index|types)\.ts$/.test(file) || file.startsWith("src/linux/");
}
