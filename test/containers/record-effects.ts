// Records what the options of effect-cases.ts do in a Docker, as effects.json:
//
//   sh scripts/bun.sh test/containers/record-effects.ts /run/docker.sock
//
// It makes containers and volumes whose names begin with "effects" there, and an image, and removes them.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { type Ask, EFFECTS, effectOf, prepare } from "./effect-cases.ts";

const [socket = ""] = process.argv.slice(2);

const ask: Ask = async (method, path, body) => {
  const raw = body instanceof Uint8Array;
  const answer = await fetch(`http://d${path}`, {
    unix: socket,
    method,
    ...(body !== undefined && {
      body: raw ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body),
      headers: raw ? {} : { "Content-Type": "application/json" },
    }),
  });
  return { status: answer.status, text: await answer.text() };
};

await importBusybox({
  request: async (method: string, path: string, options: { body?: unknown } = {}) =>
    ask(method, path, options.body),
} as Parameters<typeof importBusybox>[0]);
const { remove } = await prepare(ask);
const recorded: Record<string, string> = {};
try {
  for (const [name, each] of Object.entries(EFFECTS)) recorded[name] = await effectOf(ask, each);
} finally {
  await remove();
  await ask("DELETE", `/images/${BUSYBOX}`);
}
writeFileSync(join(import.meta.dir, "effects.json"), `${JSON.stringify(recorded, null, 2)}\n`);
