// `tag`: a further name for an image.
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { familiar, parseReference } from "../../reference.ts";

export default command({
  synopsis: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  about: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  aliases: ["image tag", "tag"],
  args: { exactly: 2 },
  flags: {},
  async run(session, { args: [source = "", target = ""] }) {
    const { name, tag, digest } = valid(target, "target");
    if (digest) throw fail("refusing to create a tag with a digest reference");
    if (!/^(sha256:)?[a-f0-9]{64}$/.test(source)) valid(source, "source");
    await (await session.client()).images.tag(source, familiar(name), tag ?? "latest");
  },
});

function valid(text: string, side: string) {
  try {
    return parseReference(text);
  } catch (thrown) {
    throw fail(
      `Error parsing reference: ${JSON.stringify(text)} is not a valid repository/tag: ${thrown instanceof Error ? thrown.message : side}`,
    );
  }
}
