// `attach`: the streams of a container that runs.
import type { ContainerInspectResponse } from "../../../sdk/index.ts";
import { requireTerminal, stay } from "../../foreground.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { terminalSize } from "../../output.ts";

export default command({
  synopsis: "[OPTIONS] CONTAINER",
  about: "Attach local standard input, output, and error streams to a running container",
  aliases: ["container attach", "attach"],
  args: { exactly: 1 },
  flags: {
    "detach-keys": flag.string("Override the key sequence for detaching a container"),
    "no-stdin": flag.bool("Do not attach STDIN"),
    "sig-proxy": flag.bool("Proxy all received signals to the process (default true)", { default: true }),
  },
  async run(session, { args: [name = ""], flags }) {
    const client = await session.client();
    const found = await client.containers.inspect(name);
    requireRunning(found);
    const tty = found.Config?.Tty ?? false;
    const stdin = !flags["no-stdin"] && (found.Config?.OpenStdin ?? false);
    requireTerminal(!flags["no-stdin"], tty);
    const id = found.Id ?? name;
    // A terminal that changes its size draws itself anew: the way to see a shell's prompt again.
    const size = tty && session.out.isTerminal() ? terminalSize(1) : undefined;
    if (size) {
      await client.containers.resize(id, { height: size.rows + 1, width: size.columns + 1 }).catch(() => {});
    }
    return stay(session, {
      client,
      id,
      tty,
      streams: { stdin, stdout: true, stderr: true },
      detachKeys: flags["detach-keys"],
      passSignals: flags["sig-proxy"] && !tty,
      wait: "not-running",
      detachIsFine: false,
    });
  },
});

function requireRunning({ State }: ContainerInspectResponse): void {
  if (!State?.Running) throw fail("You cannot attach to a stopped container, start it first");
  if (State.Paused) throw fail("You cannot attach to a paused container, unpause it first");
  if (State.Restarting) throw fail("You cannot attach to a restarting container, wait until it is running");
}
