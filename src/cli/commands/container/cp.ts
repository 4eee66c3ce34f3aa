// `cp`: files and folders between a container and this host, or as a tar stream.
import type { CopyRequest } from "../../copy/from-container.ts";
import { splitArgument } from "../../copy/paths.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";

export default command({
  synopsis: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-",
  synopsis2: "cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
  about: `Copy files/folders between a container and the local filesystem

Use '-' as the source to read a tar archive from stdin
and extract it to a directory destination in a container.
Use '-' as the destination to stream a tar archive of a
container source to stdout.`,
  aliases: ["container cp", "cp"],
  args: { exactly: 2 },
  flags: {
    archive: flag.bool("Archive mode (copy all uid/gid information)", { short: "a" }),
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
    if (from.container && to.container) throw fail("copying between containers is not supported");
    if (!from.container && !to.container) throw fail("must specify at least one container source");
    const request: CopyRequest = {
      container: from.container || to.container,
      files: (await session.client()).containers.files,
      kind: "container",
      source: from.path,
      destination: to.path,
      followLink: flags["follow-link"],
      copyUIDGID: flags.archive,
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
