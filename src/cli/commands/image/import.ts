// `import`: an image of one layer from an archive of a file system.
import { fileBody, standardInputBody } from "../../archive-input.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { showProgress } from "../../progress.ts";
import { familiar, parseReference } from "../../reference.ts";

export default command({
  synopsis: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
  about: "Import the contents from a tarball to create a filesystem image",
  aliases: ["image import", "import"],
  args: { atLeast: 1 },
  flags: {
    change: flag.list("Apply Dockerfile instruction to the created image", { short: "c" }),
    message: flag.string("Set commit message for imported image", { short: "m" }),
    platform: flag.string("Set platform if server is multi-platform capable", {
      since: "1.32",
      default: process.env.DOCKER_DEFAULT_PLATFORM ?? "",
    }),
  },
  async run(session, { args: [source = "", name], flags }) {
    const reference = name ? parseReference(name) : undefined;
    const remote = /^https?:\/\//.test(source);
    const body = remote ? undefined : source === "-" ? standardInputBody() : await fileBody(source);
    const messages = await (await session.client()).images.import({
      source: remote ? source : "-",
      body,
      repo: reference && familiar(reference.name),
      tag: reference?.tag,
      message: flags.message,
      changes: flags.change,
      platform: flags.platform || undefined,
    });
    await showProgress(messages, session.out);
  },
});
