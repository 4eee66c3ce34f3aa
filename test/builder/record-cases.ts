// Records what a Docker's BuildKit makes of the cases, as cases/NAME/expected.json:
//
//   BERTH_PEER=/run/docker.sock BERTH_PEER_CLIENT=docker-buildx sh scripts/bun.sh test/builder/record-cases.ts [NAME…]
//
// BERTH_PEER_CLIENT is a program that takes `build …` (docker-buildx alone, or docker with it), and may have paths of
// this machine only. The daemon needs git for the cases that fetch repositories, and shares the host's network.
// With --check nothing is written; what differs from the recording is said instead, and the exit status is 1.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { requestOn } from "../fixtures/daemon.ts";
import { BASE_IMAGES, importBases } from "./base-images.ts";
import { buildCase } from "./build-case.ts";
import { CASES, caseNames, readCase, readExpected } from "./case.ts";
import { differingFields } from "./compare.ts";
import { startSite } from "./site.ts";

const { BERTH_PEER: socket, BERTH_PEER_CLIENT: client } = process.env;
if (!socket || !client)
  throw new Error("BERTH_PEER (a Docker daemon's socket) and BERTH_PEER_CLIENT (its client) have to be set");
const check = process.argv.includes("--check");
const names = process.argv.slice(2).filter((name) => !name.startsWith("--"));

using site = startSite();
const request = (
  ...[method, path, options]: Parameters<typeof requestOn> extends [string, ...infer R] ? R : never
) => requestOn(socket, method, path, options);
await importBases(request);
const failed: string[] = [];
try {
  for (const name of names.length > 0 ? names : caseNames()) await record(name);
} finally {
  for (const name of Object.keys(BASE_IMAGES)) await request("DELETE", `/images/${name}?force=1`);
}
for (const each of failed) console.error(each);
process.exitCode = failed.length > 0 ? 1 : 0;
const formatted = Bun.spawnSync(["node_modules/.bin/biome", "format", "--write", CASES], { stderr: "pipe" });
if (formatted.exitCode !== 0) throw new Error(`formatting the recordings: ${formatted.stderr}`);

async function record(name: string): Promise<void> {
  try {
    const outcome = await buildCase(name, readCase(name), {
      client: client ?? "",
      host: `unix://${socket}`,
      site: site.address,
    });
    const before = readExpected(name);
    const fields = before ? differingFields(before, outcome) : ["all of it is new"];
    if (fields.length === 0) return;
    if (check) failed.push(`${name}: ${fields.join(", ")}`);
    else writeFileSync(join(CASES, name, "expected.json"), `${JSON.stringify(outcome, null, 2)}\n`);
    console.log(`${name}: ${fields.join(", ")}`);
  } catch (error) {
    failed.push(`${name}: ${error}`);
  }
}
