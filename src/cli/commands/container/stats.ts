// `stats`: what containers use, as a table that is written over itself, or once.
import { SdkError } from "../../../sdk/index.ts";
import { renderRows } from "../../format/rows.ts";
import { STATS, statsRow } from "../../format/stats.ts";
import { command } from "../../framework/command.ts";
import { CommandFailure } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { openStatsWatch, type StatsWatch } from "../../stats-watch.ts";
import { TABLE_FORMAT } from "../../usage-texts.ts";

/** Milliseconds between two tables. */
const REFRESH = 500;
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

export default command({
  synopsis: "[OPTIONS] [CONTAINER...]",
  about: "Display a live stream of container(s) resource usage statistics",
  aliases: ["container stats", "stats"],
  args: "any",
  flags: {
    all: flag.bool("Show all containers (default shows just running)", { short: "a" }),
    format: flag.string(TABLE_FORMAT),
    "no-stream": flag.bool("Disable streaming stats and only pull the first result"),
    "no-trunc": flag.bool("Do not truncate output"),
  },
  async run(session, { args, flags }) {
    const client = await session.client();
    const format = flags.format || ((await session.config()).statsFormat ?? "");
    const stream = !flags["no-stream"];
    const watch = openStatsWatch(client, stream);
    const events = args.length === 0 ? await followContainers() : undefined;
    for (const name of args) watch.add(name);
    await Promise.all(watch.list().map(({ first }) => first));
    if (args.length > 0) refuse(watch);
    const table = () =>
      renderRows({
        format,
        table: STATS.table,
        headers: STATS.headers,
        rows: watch.list().map((one) => statsRow(one, { truncate: !flags["no-trunc"] })),
      });
    if (!stream) {
      await session.out.write(await table());
      return 0;
    }
    for (;;) {
      await session.out.write(frame(await table()));
      const over = await Promise.race([Bun.sleep(REFRESH), ...(events ? [events.over] : [])]);
      if (over) return over.code;
    }

    /** The containers of now, and those that come; resolves when the daemon tells no more. */
    async function followContainers(): Promise<{ over: Promise<{ code: number }> }> {
      // Asked for before the list, so that none can come in between.
      const said = stream ? await client.system.events({ filters: { type: ["container"] } }) : [];
      for (const { Id } of await client.containers.list({ all: flags.all })) if (Id) watch.add(Id);
      const begin = flags.all ? ["create", "start"] : ["start"];
      const end = flags.all ? ["destroy"] : ["die", "destroy"];
      const over = (async () => {
        try {
          for await (const { Action = "", Actor } of said) {
            if (!Actor?.ID) continue;
            if (begin.includes(Action)) watch.add(Actor.ID);
            else if (end.includes(Action)) watch.remove(Actor.ID);
          }
        } catch (thrown) {
          if (!(thrown instanceof SdkError)) throw thrown; // the daemon went: as if it had said so
        }
        return { code: 0 };
      })();
      return { over };
    }
  },
});

/** Of containers that were named, each has to be there. */
function refuse(watch: StatsWatch): void {
  const problems = watch.list().flatMap(({ problem }) => problem ?? []);
  if (problems.length > 0) throw new CommandFailure(problems.join("\n"));
}

/** Over what was there: each line to its end, and what is left below. */
const frame = (text: string): string => HOME + text.replaceAll("\n", `${CLEAR_LINE}\n`) + CLEAR_BELOW;
