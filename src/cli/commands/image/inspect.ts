// `image inspect`.
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import { parsePlatform } from "../../platform.ts";
import { JSON_FORMAT } from "../../usage-texts.ts";
import { inspectObjects } from "../inspect-objects.ts";

export default command({
  synopsis: "[OPTIONS] IMAGE [IMAGE...]",
  about: "Display detailed information on one or more images",
  args: { atLeast: 1 },
  flags: {
    format: flag.string(JSON_FORMAT, { short: "f" }),
    platform: flag.string(
      `Inspect a specific platform of the multi-platform image.
If the image or the server is not multi-platform capable, the command will error out if the platform does not match.
'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)`,
      { since: "1.49" },
    ),
  },
  async run(session, { args, flags }) {
    const platform = flags.platform ? parsePlatform(flags.platform) : undefined;
    const client = await session.client();
    await inspectObjects(session, args, flags.format, (name) => client.images.inspect(name, { platform }));
  },
});
