// Archives that a command gives: to standard output, or to a file that is there whole or not at all (`save -o`, `export -o`).
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Client } from "../sdk/index.ts";
import { describe } from "./describe.ts";
import { fail } from "./framework/failure.ts";
import type { Session } from "./session.ts";

/**
 * Gives an archive to standard output, which must be no terminal, or to the file that `--output` names.
 * `what`: "failed to save image", for errors.
 */
export async function writeArchive(
  session: Session,
  output: string,
  what: string,
  open: (client: Client) => Promise<AsyncIterable<Uint8Array>>,
): Promise<void> {
  if (output === "" && session.out.isTerminal())
    throw fail("cowardly refusing to save to a terminal. Use the -o flag or redirect");
  const client = await session.client();
  if (output !== "") return writeWholeFile(output, what, () => open(client));
  for await (const chunk of await open(client)) await session.out.write(chunk);
}

/**
 * Writes what `open` gives to a path; the name is given when the last byte is there. `what`: "failed to save image", for
 * errors. The path is looked at before anything is asked of the daemon.
 */
async function writeWholeFile(
  path: string,
  what: string,
  open: () => Promise<AsyncIterable<Uint8Array>>,
): Promise<void> {
  await checkPlace(path, what);
  const { open: openFile, rename, rm } = await import("node:fs/promises");
  const source = await open();
  const draft = `${path}.${process.pid}.part`;
  const file = await openFile(draft, "wx", 0o600).catch((thrown: unknown) => {
    throw fail(`${what}: ${describe(thrown)}`);
  });
  try {
    for await (const chunk of source) await file.write(chunk);
    await file.close();
    await rename(draft, path);
  } catch (thrown) {
    await file.close().catch(() => {}); // closed already where the rename failed
    await rm(draft, { force: true });
    throw thrown;
  }
}

async function checkPlace(path: string, what: string): Promise<void> {
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (!folder?.isDirectory())
    throw fail(`${what}: invalid output path: stat ${dirname(path)}: no such file or directory`);
  const there = await stat(path).catch(() => undefined);
  if (!there || there.isFile()) return;
  const kind = there.isDirectory()
    ? "directory"
    : there.isCharacterDevice()
      ? "character device file"
      : there.isBlockDevice()
        ? "block device file"
        : there.isFIFO()
          ? "named pipe file"
          : "socket file";
  throw fail(`${what}: cannot write to a ${kind}`);
}
