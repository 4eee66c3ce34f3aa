// `cp`: files and folders between a container and this host, or as a tar stream.
import { COPY_FLAGS, copyBetween } from "../../copy/between.ts";
import { command } from "../../framework/command.ts";
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
    ...COPY_FLAGS,
  },
  async run(session, { args, flags, given }) {
    const options = {
      kind: "container",
      followLink: flags["follow-link"],
      copyUIDGID: flags.archive,
      quiet: given("quiet") ? flags.quiet : !session.out.isTerminal(),
    } as const;
    return copyBetween(session, args, options, async () => (await session.client()).containers.files);
  },
});
