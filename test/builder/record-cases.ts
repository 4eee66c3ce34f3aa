// Records what a Docker's BuildKit makes of the cases, as cases/NAME/expected.json:
//
//   BERTH_PEER=/run/docker.sock BERTH_PEER_CLIENT=docker-buildx sh scripts/bun.sh test/builder/record-cases.ts [NAME…]
//
// BERTH_PEER_CLIENT is a program that takes `build …`: docker-buildx alone, or docker with it. The daemon shares the
// host's network, and has git and xz. BERTH_PEER_FRONTEND is an image in it with BuildKit's current stable frontend
// (docker/dockerfile:1), for the cases that say so; without it they are left as they are.
// With --check nothing is written; what differs from the recording is said instead, and the exit status is 1.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type RequestOptions, requestOn } from "../fixtures/daemon.ts";
import { BASE_IMAGES, importBases } from "./base-images.ts";
import { buildCase } from "./build-case.ts";
import { CASES, caseNames, readCase, readExpected } from "./case.ts";
import { differingFields } from "./compare.ts";
import { startSite } from "./site.ts";

const {
  BERTH_PEER: socket = "",
  BERTH_PEER_CLIENT: client = "",
  BERTH_PEER_FRONTEND: frontend,
} = process.env;
if (!socket || !client)
  throw new Error("BERTH_PEER (a Docker daemon's socket) and BERTH_PEER_CLIENT (its client) have to be set");
const check = process.argv.includes("--check");
const named = process.argv.slice(2).filter((name) => !name.startsWith("--"));
const request = (method: string, path: string, options?: RequestOptions) =>
  requestOn(socket, method, path, options);

using site = startSite();
await importBases(request);
let failed = false;
try {
  for (const name of named.length > 0 ? named : caseNames()) {
    const said = await record(name).catch((error: unknown) => {
      failed = true;
      return String(error);
    });
    if (said) console.log(`${name}: ${said}`);
  }
} finally {
  for (const name of Object.keys(BASE_IMAGES)) await request("DELETE", `/images/${name}?force=1`);
}
if (!check) {
  const { exitCode, stderr } = Bun.spawnSync(["node_modules/.bin/biome", "format", "--write", CASES]);
  if (exitCode !== 0) throw new Error(`formatting the recordings: ${stderr}`);
}
process.exitCode = failed ? 1 : 0;

/** Answers what is new, or undefined. */
async function record(name: string): Promise<string | undefined> {
  const each = readCase(name);
  if (each.currentFrontend && !frontend) return "left out: BERTH_PEER_FRONTEND names no image";
  const builder = { client, host: `unix://${socket}`, site: site.address };
  const outcome = await buildCase(name, each, {
    ...builder,
    ...(each.currentFrontend && frontend && { frontend }),
  });
  const before = readExpected(name);
  const fields = before ? differingFields(before, outcome) : ["all of it is new"];
  if (fields.length === 0) return undefined;
  if (check) failed = true;
  else writeFileSync(join(CASES, name, "expected.json"), `${JSON.stringify(outcome, null, 2)}\n`);
  return fields.join(", ");
}
