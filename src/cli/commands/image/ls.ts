// `images`, `image ls`: the images by name.
import { IMAGES, imageRows } from "../../format/lists.ts";
import { chooseFormat, printRows } from "../../format/rows.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { TABLE_FORMAT } from "../../usage-texts.ts";

/** Words that were meant as commands: `images ls`. */
const COMMANDS = new Set([
  "build",
  "history",
  "import",
  "inspect",
  "list",
  "load",
  "ls",
  "prune",
  "pull",
  "push",
  "rm",
  "save",
  "tag",
]);

export default command({
  synopsis: "[OPTIONS] [REPOSITORY[:TAG]]",
  about: "List images",
  aliases: ["image ls", "image list", "images"],
  args: { atMost: 1 },
  flags: {
    all: flag.bool("Show all images (default hides intermediate images)", { short: "a" }),
    digests: flag.bool("Show digests"),
    filter: flag.filter("Filter output based on conditions provided", { short: "f" }),
    format: flag.string(TABLE_FORMAT),
    "no-trunc": flag.bool("Don't truncate output"),
    quiet: flag.bool("Only show image IDs", { short: "q" }),
    tree: flag.bool("List multi-platform images as a tree (EXPERIMENTAL)", { since: "1.47" }),
  },
  async run(session, { args: [name], flags, path }) {
    const filters = name
      ? { ...flags.filter, reference: [...(flags.filter.reference ?? []), name] }
      : flags.filter;
    const client = await session.client();
    if (flags.tree) {
      for (const [given, text] of [
        [flags.quiet, "--quiet"],
        [flags["no-trunc"], "--no-trunc"],
        [flags.digests, "--show-digest"],
        [flags.format !== "", "--format"],
      ] as const) {
        if (given) throw fail(`${text} is not yet supported with --tree`);
      }
      const { printImageTree } = await import("../../format/image-tree.ts");
      await printImageTree(
        session.out,
        await client.images.list({ all: flags.all, filters, manifests: true }),
      );
      return;
    }
    const images = await client.images.list({ all: flags.all, filters });
    const format = flags.format || (flags.quiet ? "" : ((await session.config()).imagesFormat ?? ""));
    const showsDigest = flags.digests || format.includes("{{.Digest}}");
    const kind = flags.digests
      ? { ...IMAGES, table: IMAGES.tableWithDigests, raw: IMAGES.rawWithDigests }
      : IMAGES;
    const rows = images.flatMap((one) =>
      imageRows(one, { truncate: !flags["no-trunc"], digests: flags.digests, showsDigest }),
    );
    await printRows(session.out, {
      format: chooseFormat(kind, showsDigest ? withDigest(format) : format, {
        quiet: flags.quiet,
        key: "ID",
      }),
      table: kind.table,
      headers: IMAGES.headers,
      rows,
    });
    if (name && images.length === 0 && path.endsWith(" images") && COMMANDS.has(name)) {
      await session.err.line(
        `\nNo images found matching ${JSON.stringify(name)}: did you mean "${session.program} image ${name}"?`,
      );
    }
  },
});

/** `--digests` adds its column to a table of one's own that hasn't got it. */
function withDigest(format: string): string {
  return format.startsWith("table ") && !format.includes("{{.Digest}}") ? `${format}\t{{.Digest}}` : format;
}
