// `pull`: an image, or all of a repository's, from its registry.
import { authFor } from "../../credentials.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { showProgress } from "../../progress.ts";
import { familiar, isBuiltInName, parseReference } from "../../reference.ts";

export default command({
  synopsis: "[OPTIONS] NAME[:TAG|@DIGEST]",
  about: "Download an image from a registry",
  aliases: ["image pull", "pull"],
  args: { exactly: 1 },
  flags: {
    "all-tags": flag.bool("Download all tagged images in the repository", { short: "a" }),
    "disable-content-trust": flag.bool("Skip image verification (default true)", { default: true }),
    platform: flag.string("Set platform if server is multi-platform capable", {
      since: "1.32",
      default: process.env.DOCKER_DEFAULT_PLATFORM ?? "",
    }),
    quiet: flag.bool("Suppress verbose output", { short: "q" }),
  },
  async run(session, { args: [name = ""], flags }) {
    if (!flags["disable-content-trust"])
      throw fail("content trust (--disable-content-trust=false) is not implemented");
    const reference = parseReference(name);
    const isName = !reference.tag && !reference.digest;
    if (flags["all-tags"] && !isName) throw fail("tag can't be used with --all-tags/-a");
    if (isName && !flags["all-tags"]) {
      reference.tag = "latest";
      if (!flags.quiet) await session.out.line("Using default tag: latest");
    }
    const client = await session.client();
    const messages = await client.images.pull({
      fromImage: familiar(reference.name),
      tag: reference.digest ?? reference.tag,
      platform: flags.platform || undefined,
      auth: await authFor(session, reference.domain),
      builtIn: isBuiltInName(name),
    });
    await showProgress(messages, flags.quiet ? undefined : session.out);
    const tag = reference.tag ? `:${reference.tag}` : "";
    const digest = reference.digest ? `@${reference.digest}` : "";
    await session.out.line(`${reference.name}${tag}${digest}`);
  },
});
