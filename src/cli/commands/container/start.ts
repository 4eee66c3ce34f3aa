// `start`: containers that stand still; with `-a` or `-i` one of them in the foreground.
import { describe } from "../../describe.ts";
import { requireTerminal, stay } from "../../foreground.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import type { Session } from "../../session.ts";

export default command({
  synopsis: "[OPTIONS] CONTAINER [CONTAINER...]",
  about: "Start one or more stopped containers",
  aliases: ["container start", "start"],
  args: { atLeast: 1 },
  flags: {
    attach: flag.bool("Attach STDOUT/STDERR and forward signals", { short: "a" }),
    "detach-keys": flag.string("Override the key sequence for detaching a container"),
    interactive: flag.bool("Attach container's STDIN", { short: "i" }),
  },
  async run(session, { args, flags }) {
    if (!flags.attach && !flags.interactive) return startAll(session, args);
    if (args.length > 1) throw fail("you cannot start and attach multiple containers at once");
    const client = await session.client();
    const found = await client.containers.inspect(args[0] ?? "");
    const id = found.Id ?? "";
    const tty = found.Config?.Tty ?? false;
    const stdin = flags.interactive && (found.Config?.OpenStdin ?? false);
    requireTerminal(stdin, tty);
    return stay(session, {
      client,
      id,
      tty,
      streams: { stdin, stdout: true, stderr: true },
      detachKeys: flags["detach-keys"],
      passSignals: !tty,
      wait: found.HostConfig?.AutoRemove ? "removed" : "next-exit",
      start: () => client.containers.start(id),
    });
  },
});

/** One after the other: what a container needs of an earlier one stands then. */
async function startAll(session: Session, names: string[]): Promise<void> {
  const client = await session.client();
  const failed: string[] = [];
  for (const name of names) {
    try {
      await client.containers.start(name);
      await session.out.line(name);
    } catch (thrown) {
      await session.err.line(describe(thrown));
      failed.push(name);
    }
  }
  if (failed.length > 0) throw fail(`Error: failed to start containers: ${failed.join(", ")}`);
}
