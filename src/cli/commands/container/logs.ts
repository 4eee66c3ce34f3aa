// `logs`: what a container has written, and with `-f` writes.
import { demultiplexRuns } from "../../../sdk/index.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { timestamp } from "../../timestamp.ts";

const WHEN = '(e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)';

export default command({
  synopsis: "[OPTIONS] CONTAINER",
  about: "Fetch the logs of a container",
  aliases: ["container logs", "logs"],
  args: { exactly: 1 },
  flags: {
    details: flag.bool("Show extra details provided to logs"),
    follow: flag.bool("Follow log output", { short: "f" }),
    since: flag.string(`Show logs since timestamp ${WHEN}`),
    tail: flag.string('Number of lines to show from the end of the logs (default "all")', {
      short: "n",
      default: "all",
    }),
    timestamps: flag.bool("Show timestamps", { short: "t" }),
    until: flag.string(`Show logs before a timestamp ${WHEN}`, { since: "1.35" }),
  },
  async run(session, { args: [name = ""], flags }) {
    const client = await session.client();
    const { Config, Id } = await client.containers.inspect(name);
    const options = {
      details: flags.details,
      follow: flags.follow,
      timestamps: flags.timestamps,
      tail: flags.tail,
      since: when("since", flags.since),
      until: when("until", flags.until),
    };
    const bytes = await client.containers.logs(Id ?? name, options);
    if (Config?.Tty) {
      for await (const chunk of bytes) await session.out.write(chunk);
      return;
    }
    for await (const { stream, data } of demultiplexRuns(bytes)) {
      if (stream === "systemerr") throw fail(`error from daemon in stream: ${Buffer.from(data).toString()}`);
      await (stream === "stderr" ? session.err : session.out).write(data);
    }
  },
});

function when(name: string, text: string): string | undefined {
  try {
    return text === "" ? undefined : timestamp(text);
  } catch (thrown) {
    throw fail(`invalid value for "${name}": ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}
