// `volume cp`: files and folders between a volume and this host, as `cp` does it with a container's.
import { COPY_FLAGS, copyBetween } from "../../copy/between.ts";
import { command } from "../../framework/command.ts";

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
    ...COPY_FLAGS,
  },
  async run(session, { args, flags, given }) {
    const options = {
      kind: "volume",
      followLink: flags["follow-link"],
      copyUIDGID: false,
      quiet: given("quiet") ? flags.quiet : !session.out.isTerminal(),
    } as const;
    return copyBetween(session, args, options, async () => (await session.client()).volumes.files);
  },
});
