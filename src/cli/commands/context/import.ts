// `context import`: a context from the file that `context export` made, or from a zip archive of the same content.
import { createReadStream } from "node:fs";
import { reason } from "../../container-options/key-values.ts";
import { unpackContext } from "../../contexts/archive.ts";
import { writeContext } from "../../contexts/store.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { requireFree } from "./create.ts";

/** Docker's limit, and a byte more: what is longer is refused without having been read. */
const LIMIT = (10 << 20) + 1;

export default command({
  synopsis: "CONTEXT FILE|-",
  about: "Import a context from a tar or zip file",
  args: { exactly: 2 },
  flags: {},
  async run(session, { args: [name = "", path = ""] }) {
    await requireFree(session, name);
    const { context, tls } = unpackContext(await readLimited(path));
    await writeContext(session.configFolder, { ...context, name }, tls);
    await session.out.line(name);
    await session.err.line(`Successfully imported context ${JSON.stringify(name)}`);
  },
});

async function readLimited(path: string): Promise<Buffer> {
  const source = path === "-" ? Bun.stdin.stream() : createReadStream(path);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of source as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= LIMIT) break;
    }
  } catch (thrown) {
    const step = reason(thrown) === "is a directory" ? "read" : "open";
    throw fail(`${step} ${path}: ${reason(thrown)}`);
  }
  return Buffer.concat(chunks);
}
