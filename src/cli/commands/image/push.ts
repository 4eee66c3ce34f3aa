// `push`: an image, or all of a repository's, to its registry.
import { authFor } from "../../credentials.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { parsePlatform } from "../../platform.ts";
import { showProgress } from "../../progress.ts";
import { familiar, parseReference } from "../../reference.ts";

export default command({
  synopsis: "[OPTIONS] NAME[:TAG]",
  about: "Upload an image to a registry",
  aliases: ["image push", "push"],
  args: { exactly: 1 },
  flags: {
    "all-tags": flag.bool("Push all tags of an image to the repository", { short: "a" }),
    "disable-content-trust": flag.bool("Skip image signing (default true)", { default: true }),
    platform: flag.string(
      `Push a platform-specific manifest as a single-platform image to the registry.
Image index won't be pushed, meaning that other manifests, including attestations won't be preserved.
'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)`,
      { since: "1.46" },
    ),
    quiet: flag.bool("Suppress verbose output", { short: "q" }),
  },
  async run(session, { args: [name = ""], flags }) {
    const platform = flags.platform ? parsePlatform(flags.platform) : undefined;
    if (!flags["disable-content-trust"])
      throw fail("content trust (--disable-content-trust=false) is not implemented");
    const reference = parseReference(name);
    const all = flags["all-tags"];
    const isName = !reference.tag && !reference.digest;
    if (all && !isName) throw fail("tag can't be used with --all-tags/-a");
    if (isName && !all) {
      reference.tag = "latest";
      if (!flags.quiet) await session.out.line("Using default tag: latest");
    }
    const client = await session.client();
    const messages = await client.images.push(familiar(reference.name), {
      tag: all ? undefined : (reference.tag ?? reference.digest),
      platform,
      auth: await authFor(session, reference.domain),
    });
    const notes: string[] = [];
    await showProgress(messages, flags.quiet ? undefined : session.out, (aux) => {
      const note = noteOf(aux);
      if (note) notes.push(note);
    });
    if (flags.quiet) await session.out.line(`${reference.name}${reference.tag ? `:${reference.tag}` : ""}`);
    for (const note of notes) await session.out.line(`\nInfo → ${note}`);
  },
});

interface Descriptor {
  digest?: string;
}

/** What a daemon lets us know of an image of several platforms that went only in part. */
function noteOf(aux: Record<string, unknown>): string | undefined {
  if (aux.manifestPushedInsteadOfIndex) {
    const [index, manifest] = [aux.originalIndex as Descriptor, aux.selectedManifest as Descriptor];
    return `Not all multiplatform-content is present and only the available single-platform image was pushed\n         ${index?.digest} -> ${manifest?.digest}`;
  }
  if (aux.contentMissing) {
    return "You're trying to push a manifest list/index which references multiple platform specific manifests, but not all of them are available locally or available to the remote repository.\n\nMake sure you have all the referenced content and try again.\n\nYou can also push only a single platform specific manifest directly by specifying the platform you want to push with the --platform flag.";
  }
  return undefined;
}
