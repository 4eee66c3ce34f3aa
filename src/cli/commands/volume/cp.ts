// `volume cp`: files and folders between a volume and this host, as `cp` does it with a container's.
import type { CopyRequest } from "../../copy/from-container.ts";
import { splitArgument } from "../../copy/paths.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";

export default command({
  synopsis: "[OPTIONS] VOLUME:SRC_PATH DEST_PATH|-",
  synopsis2: "volume cp [OPTIONS] SRC_PATH|- VOLUME:DEST_PATH",
  about: `Copy files/folders between a volume and the local filesystem

Use '-' as the source to read a tar archive from stdin
and extract it to a directory destination in a volume.
Use '-' as the destination to stream a tar archive of a
volume source to stdout.`,
  args: { exactly: 2 },
  flags: {
    "follow-link": flag.bool("Always follow symbol link in SRC_PATH", { short: "L" }),
    quiet: flag.bool(
      "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached",
      { short: "q" },
    ),
  },
  async run(session, { args: [source = "", destination = ""], flags, given }) {
    if (source === "") throw fail("source can not be empty");
    if (destination === "") throw fail("destination can not be empty");
    const from = splitArgument(source);
    const to = splitArgument(destination);
    if (from.container && to.container) throw fail("copying between volumes is not supported");
    if (!from.container && !to.container) throw fail("must specify at least one volume source");
    const request: CopyRequest = {
      container: from.container || to.container,
      files: (await session.client()).volumes.files,
      kind: "volume",
      source: from.path,
      destination: to.path,
      followLink: flags["follow-link"],
      copyUIDGID: false,
      quiet: given("quiet") ? flags.quiet : !session.out.isTerminal(),
    };
    if (from.container) {
      const { copyFromContainer } = await import("../../copy/from-container.ts");
      return copyFromContainer(session, request);
    }
    const { copyToContainer } = await import("../../copy/to-container.ts");
    return copyToContainer(session, request);
  },
});
