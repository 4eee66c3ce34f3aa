// `buildx imagetools create`: an image of others, which are in registries.
import { buildFailure } from "../../../build-failure.ts";
import { builderFlags } from "../../../build-options/builder-flags.ts";
import { command } from "../../../framework/command.ts";
import { flag } from "../../../framework/flags.ts";

const texts = flag.listOf("stringArray", (text) => text);

export default command({
  synopsis: "[OPTIONS] [SOURCE...]",
  about: "Create a new image based on source images",
  args: "any",
  errorsBeginWith: "ERROR: ",
  flags: {
    ...builderFlags,
    annotation: texts("Add annotation to the image"),
    append: flag.bool("Append to existing manifest"),
    "dry-run": flag.bool("Show final image instead of pushing"),
    file: texts("Read source descriptor from file", { short: "f" }),
    platform: texts("Filter specified platforms of target image", { short: "p" }),
    "prefer-index": flag.bool(
      "When only a single source is specified, prefer outputting an image index or manifest list instead of performing a carbon copy (default true)",
      { default: true },
    ),
    progress: flag.string(
      'Set type of progress output ("auto", "none", "plain", "rawjson", "tty"). Use plain to show container output (default "auto")',
      { default: "auto" },
    ),
    tag: texts("Set reference for new image", { short: "t" }),
  },
  async run(session, { args: sources, flags }) {
    try {
      const { createImage } = await import("../../../imagetools/create.ts");
      await createImage(session, {
        sources,
        files: flags.file,
        tags: flags.tag,
        annotations: flags.annotation,
        platforms: flags.platform,
        append: flags.append,
        dryRun: flags["dry-run"],
        preferIndex: flags["prefer-index"],
        progress: flags.progress,
        builder: flags.builder,
      });
    } catch (thrown) {
      throw buildFailure(thrown);
    }
  },
});
