// `commit`: an image of a container's changes.
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { familiar, parseReference } from "../../reference.ts";

export default command({
  synopsis: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  about: "Create a new image from a container's changes",
  aliases: ["container commit", "commit"],
  args: { atLeast: 1, atMost: 2 },
  flags: {
    pause: flag.bool("Pause container during commit (default true)", { short: "p", default: true }),
    message: flag.string("Commit message", { short: "m" }),
    author: flag.string('Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")', { short: "a" }),
    change: flag.list("Apply Dockerfile instruction to the created image", { short: "c" }),
  },
  async run(session, { args: [container = "", name], flags }) {
    const reference = name ? parseReference(name) : undefined;
    if (reference?.digest) throw fail("refusing to create a tag with a digest reference");
    const id = await (await session.client()).images.commit(container, {
      repo: reference && familiar(reference.name),
      tag: reference && (reference.tag ?? "latest"),
      comment: flags.message,
      author: flags.author,
      pause: flags.pause,
      changes: flags.change,
    });
    await session.out.line(id);
  },
});
