// Records what a Docker says of the containers of inspect-cases.ts, as inspected/NAME.json:
//
//   sh scripts/bun.sh test/containers/record-inspect.ts /run/docker.sock [NAME…]
//
// It makes containers and volumes whose names begin with "inspected" there, and an image, and removes them.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, importBusybox } from "../fixtures/busybox.ts";
import { type Ask, INSPECT_CASES, look } from "./inspect-cases.ts";
import { inspectForm } from "./inspect-form.ts";

const [socket = "", ...names] = process.argv.slice(2);

const ask: Ask = async (method, path, body) => {
  const answer = await fetch(`http://d${path}`, {
    unix: socket,
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json" },
    }),
  });
  const text = await answer.text();
  return { status: answer.status, json: () => JSON.parse(text || "null") };
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
try {
  for (const [name, each] of Object.entries(INSPECT_CASES)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const { ids, seen } = await look(ask, each);
    const forms = Object.fromEntries(
      Object.entries(seen).map(([what, answer]) => [what, inspectForm(answer, ids)]),
    );
    writeFileSync(join(import.meta.dir, "inspected", `${name}.json`), `${JSON.stringify(forms, null, 2)}\n`);
    for (const id of ids) await ask("DELETE", `/containers/${id}?force=1&v=1`);
    console.log(name);
  }
} finally {
  for (const volume of ["inspected", "inspected2", "inspected3"]) await ask("DELETE", `/volumes/${volume}`);
  await ask("DELETE", `/images/${BUSYBOX}`);
}
