// `save`: images as an archive, to a file or to standard output.
import { rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { describe } from "../../describe.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { parsePlatform } from "../../platform.ts";

export default command({
  synopsis: "[OPTIONS] IMAGE [IMAGE...]",
  about: "Save one or more images to a tar archive (streamed to STDOUT by default)",
  aliases: ["image save", "save"],
  args: { atLeast: 1 },
  flags: {
    output: flag.string("Write to a file, instead of STDOUT", { short: "o" }),
    platform: flag.string(
      'Save only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
      { since: "1.48" },
    ),
  },
  async run(session, { args, flags }) {
    const platforms = flags.platform ? [parsePlatform(flags.platform)] : undefined;
    if (flags.output === "" && session.out.isTerminal()) {
      throw fail("cowardly refusing to save to a terminal. Use the -o flag or redirect");
    }
    const client = await session.client();
    const archive = () => client.images.save(args, { platforms });
    if (flags.output !== "") return toFile(flags.output, archive);
    for await (const chunk of await archive()) await session.out.write(chunk);
  },
});

/** Whole or not at all: the name is given when the last byte is there. */
async function toFile(path: string, archive: () => Promise<AsyncIterable<Uint8Array>>): Promise<void> {
  const { open, stat } = await import("node:fs/promises");
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (!folder?.isDirectory()) {
    throw fail(`failed to save image: invalid output path: stat ${dirname(path)}: no such file or directory`);
  }
  const source = await archive();
  const draft = `${path}.${process.pid}.part`;
  const file = await open(draft, "wx", 0o600).catch((thrown: unknown) => {
    throw fail(`failed to save image: ${describe(thrown)}`);
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
