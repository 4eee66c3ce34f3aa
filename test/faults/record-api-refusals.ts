// Records how a Docker refuses the requests of api-refusals.ts, as api-refusals.json:
//
//   sh scripts/bun.sh test/faults/record-api-refusals.ts /run/docker.sock
//
// It makes containers whose names begin with "refused" there, and an image, and removes them.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { API_REFUSALS, type Ask, prepare, type RecordedRefusal, refusal } from "./api-refusals.ts";

const [socket = ""] = process.argv.slice(2);

const ask: Ask = async (method, path, body, type) => {
  const answer = await fetch(`http://d${path}`, {
    unix: socket,
    method,
    redirect: "manual",
    signal: AbortSignal.timeout(30_000),
    ...(body !== undefined && { body }),
    headers: type ? { "Content-Type": type } : {},
  });
  return { status: answer.status, text: await answer.text() };
};

await importBusybox({
  request: async (method: string, path: string, { body }: { body?: unknown } = {}) => {
    const answer = await fetch(`http://d${path}`, {
      unix: socket,
      method,
      body: body as Uint8Array<ArrayBuffer>,
    });
    const said = await answer.text();
    return { status: answer.status, headers: answer.headers, text: said, json: () => JSON.parse(said) };
  },
} as Parameters<typeof importBusybox>[0]);
const { names, remove } = await prepare(ask);
const recorded: RecordedRefusal[] = [];
try {
  for (const each of API_REFUSALS) recorded.push({ ...each, ...(await refusal(ask, each, names)) });
} finally {
  await remove();
  await ask("DELETE", "/volumes/refused-v");
  await ask("DELETE", `/images/${BUSYBOX}`);
}
writeFileSync(join(import.meta.dir, "api-refusals.json"), `${JSON.stringify(recorded, null, 2)}\n`);
for (const { method, path, body, status, message } of recorded)
  if (status < 400)
    console.log(`not refused: ${method} ${path} ${JSON.stringify(body)} ${status} ${message}`);
