// Holds the rules of ARCHITECTURE.md's "Rooms": who may import whom, FFI in linux/ alone, runtimes started by
// runtime/ alone. `--graph` prints the rooms and their arrows instead.
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { Glob } from "bun";

/** A room may import the rooms named, and base and oci, which know no room. Type imports count too. */
const MAY: Record<string, string[]> = {
  base: [],
  oci: [],
  linux: [],
  store: ["linux"],
  registry: ["linux"],
  runtime: ["store", "linux"],
  volumes: ["registry", "store", "runtime", "linux"],
  networks: ["registry", "store", "runtime", "linux"],
  builder: ["registry", "store", "runtime", "linux"],
  images: ["registry", "store", "runtime", "linux"],
  containers: ["registry", "store", "runtime", "linux"],
  engine: ["containers", "images", "builder", "networks", "volumes", "registry", "store", "runtime", "linux"],
  api: ["engine", "containers", "images", "builder", "networks", "volumes", "registry", "store"],
  sdk: [],
  compose: ["sdk"],
  cli: ["sdk", "compose"],
};
/** The wire's vocabulary (types only) is for everybody but the client's rooms, which get it from the SDK. */
const VOCABULARY = "src/api/types/";
const KNOWS_VOCABULARY = new Set([
  "sdk",
  "engine",
  "containers",
  "images",
  "builder",
  "networks",
  "volumes",
  "runtime",
  "api",
]);
/** What a room knows of a sibling are its types: a container's record holds mounts that volumes/ resolved. */
const TYPES_OF_SIBLINGS = /\/types\.ts$/;

const roomOf = (path: string) => /^src\/([^/]+)\//.exec(path)?.[1];
const problems: string[] = [];
const arrows = new Map<string, Set<string>>();

for (const path of [...new Glob("src/**/*.ts").scanSync(".")].sort()) {
  const room = roomOf(path);
  if (!room) continue; // main.ts picks the role, and may import every room's entry
  const test = path.endsWith(".test.ts");
  const text = readFileSync(path, "utf8");
  if (!(room in MAY)) problems.push(`${path}: "${room}" is no room; see ARCHITECTURE.md`);
  for (const match of text.matchAll(
    /^\s*(?:import|export)\b(?<clause>[^;"']*?)\bfrom\s*["'](?<from>[^"']+)["']|\bimport\(\s*["'](?<dynamic>[^"']+)["']\s*\)/gm,
  )) {
    const { clause = "", from, dynamic } = match.groups ?? {};
    const target = from ?? dynamic ?? "";
    if (target === "bun:ffi" && room !== "linux") problems.push(`${path}: FFI is for linux/ alone`);
    if (!target.startsWith(".")) continue;
    const file = normalize(join(dirname(path), target));
    const other = roomOf(file);
    if (!other || other === room) continue;
    if (!arrows.has(room)) arrows.set(room, new Set());
    arrows.get(room)?.add(other);
    const typeOnly = /^\s*type\b/.test(clause) || Boolean(dynamic && TYPES_OF_SIBLINGS.test(file));
    const allowed =
      other === "base" ||
      other === "oci" ||
      MAY[room]?.includes(other) ||
      (file.startsWith(VOCABULARY) && typeOnly && KNOWS_VOCABULARY.has(room)) ||
      (typeOnly && TYPES_OF_SIBLINGS.test(file) && !["cli", "compose", "sdk"].includes(room));
    if (!allowed)
      problems.push(
        `${path}: ${room}/ may not import ${file} (rooms below it: ${MAY[room]?.join(", ") || "none"})`,
      );
    else if (!test && other !== "base" && other !== "oci" && !file.startsWith(VOCABULARY) && !isDoor(file))
      problems.push(`${path}: import ${other}/ through its index.ts or types.ts, not ${file}`);
  }
  if (
    room !== "runtime" &&
    room !== "linux" &&
    !test &&
    /\b(?:spawn|spawnSync)\(\s*\[?\s*["'`](?:[^"'`]*\/)?(?:crun|runc)\b/.test(text)
  )
    problems.push(`${path}: only runtime/ starts a runtime`);
}

/** A room's door is index.ts and types.ts; linux/ has one file a subject, each a door of its own. */
function isDoor(file: string): boolean {
  return /^src\/[^/]+\/(index|types)\.ts$/.test(file) || file.startsWith("src/linux/");
}

if (process.argv.includes("--graph")) {
  for (const [room, others] of [...arrows].sort()) console.log(`${room} → ${[...others].sort().join(", ")}`);
} else if (problems.length > 0) {
  console.error(problems.join("\n"));
  console.error(`${problems.length} imports against the rules of ARCHITECTURE.md`);
  process.exit(1);
}
