// `rmi`, `image rm`.
import { isNotFound, type OCIPlatform } from "../../../sdk/index.ts";
import { describe } from "../../describe.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { parsePlatform } from "../../platform.ts";

export default command({
  synopsis: "[OPTIONS] IMAGE [IMAGE...]",
  about: "Remove one or more images",
  aliases: ["image rm", "image remove", "rmi"],
  args: { atLeast: 1 },
  flags: {
    force: flag.bool("Force removal of the image", { short: "f" }),
    "no-prune": flag.bool("Do not delete untagged parents"),
    platform: flag.strings(
      'Remove only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
      { since: "1.50" },
    ),
  },
  async run(session, { args, flags }) {
    const platforms: OCIPlatform[] = flags.platform.map(parsePlatform);
    const client = await session.client();
    const problems: unknown[] = [];
    for (const name of args) {
      try {
        const options = { force: flags.force, noPrune: flags["no-prune"], platforms };
        for (const { Deleted, Untagged } of await client.images.remove(name, options)) {
          await session.out.line(Deleted ? `Deleted: ${Deleted}` : `Untagged: ${Untagged}`);
        }
      } catch (thrown) {
        problems.push(thrown);
      }
    }
    if (problems.length === 0) return;
    const text = problems.map(describe).join("\n");
    // What is to be gone and isn't there is gone.
    if (!flags.force || problems.some((problem) => !isNotFound(problem))) throw fail(text);
    await session.err.line(text);
  },
});
