// Holds the rules of room-rules.ts over all of src/. `--graph` prints the rooms and their arrows instead.
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { Glob } from "bun";
import { importsOf, problemsOf, roomOf } from "./room-rules.ts";

const paths = [...new Glob("src/**/*.ts").scanSync(".")].sort();

if (process.argv.includes("--graph")) {
  const arrows = new Map<string, Set<string>>();
  for (const path of paths)
    for (const imported of importsOf(readFileSync(path, "utf8"))) {
      const [room, other] = [roomOf(path), roomOf(normalize(join(dirname(path), imported.path)))];
      if (!room || !other || room === other || !imported.path.startsWith(".")) continue;
      arrows.set(room, (arrows.get(room) ?? new Set()).add(other));
    }
  for (const [room, others] of [...arrows].sort()) console.log(`${room} → ${[...others].sort().join(", ")}`);
} else {
  const problems = paths.flatMap((path) => problemsOf(path, readFileSync(path, "utf8")));
  if (problems.length > 0) {
    console.error(problems.join("\n"));
    console.error(`${problems.length} breaches of the rules of ARCHITECTURE.md`);
    process.exit(1);
  }
}
