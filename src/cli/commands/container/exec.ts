// `exec`: a further process in a running container.
import { type Client, SdkError } from "../../../sdk/index.ts";
import { checkEnvironment, readPairsFile } from "../../container-options/key-values.ts";
import { requireTerminal } from "../../foreground.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import { terminalSize } from "../../output.ts";
import type { Session } from "../../session.ts";

/** The exit status when the daemon is not there any more to tell the program's. */
const LOST = 255;

interface Interaction {
  tty: boolean;
  stdin: boolean;
  detachKeys: string;
  size: [number, number] | undefined;
}

export default command({
  synopsis: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  about: "Execute a command in a running container",
  aliases: ["container exec", "exec"],
  args: { atLeast: 2 },
  stopAtFirst: true,
  flags: {
    detach: flag.bool("Detached mode: run command in the background", { short: "d" }),
    "detach-keys": flag.string("Override the key sequence for detaching a container"),
    env: flag.listOf("list", checkEnvironment)("Set environment variables", { short: "e", since: "1.25" }),
    "env-file": flag.list("Read in a file of environment variables", { since: "1.25" }),
    interactive: flag.bool("Keep STDIN open even if not attached", { short: "i" }),
    privileged: flag.bool("Give extended privileges to the command"),
    tty: flag.bool("Allocate a pseudo-TTY", { short: "t" }),
    user: flag.string('Username or UID (format: "<name|uid>[:<group|gid>]")', { short: "u" }),
    workdir: flag.string("Working directory inside the container", { short: "w", since: "1.35" }),
  },
  async run(session, { args: [name = "", ...words], flags }) {
    const files: string[] = [];
    for (const path of flags["env-file"])
      files.push(...(await readPairsFile(path, (key) => process.env[key])));
    const attached = !flags.detach;
    const stdin = attached && flags.interactive;
    if (attached) requireTerminal(stdin, flags.tty);
    const found = flags.tty && session.out.isTerminal() ? terminalSize(1) : undefined;
    const size: [number, number] | undefined = found && [found.rows, found.columns];
    const client = await session.client();
    const detachKeys = flags["detach-keys"] || (await session.config()).detachKeys || "";
    const id = await client.exec.create(name, {
      Cmd: words,
      User: flags.user,
      Privileged: flags.privileged,
      Tty: flags.tty,
      AttachStdin: stdin,
      AttachStdout: attached,
      AttachStderr: attached,
      Env: [...files, ...flags.env],
      WorkingDir: flags.workdir,
      DetachKeys: detachKeys || undefined,
      ConsoleSize: size,
    });
    if (!id) throw fail("exec ID empty");
    if (flags.detach) {
      await client.exec.startDetached(id);
      return 0;
    }
    return interact(session, client, id, { tty: flags.tty, stdin, detachKeys, size });
  },
});

async function interact(session: Session, client: Client, id: string, options: Interaction): Promise<number> {
  const { tty, stdin, detachKeys } = options;
  const [stream, { pump }] = await Promise.all([
    client.exec.start(id, { tty, consoleSize: options.size }),
    import("../../terminal/pump.ts"),
  ]);
  const pumped = await pump(session, stream, { tty, stdin, stdout: true, stderr: true, detachKeys });
  const { endAtSignals } = await import("../../terminal/signals.ts");
  const ignoreSignals = endAtSignals(pumped.restore);
  let unfollow: (() => void) | undefined;
  if (tty && session.out.isTerminal()) {
    const { followSize } = await import("../../terminal/resize.ts");
    unfollow = followSize(session, (size) => client.exec.resize(id, size));
  }
  try {
    await pumped.done;
  } finally {
    unfollow?.();
    ignoreSignals();
  }
  const { ExitCode, Running } = await client.exec.inspect(id).catch((thrown: unknown) => {
    // The daemon went, and with it the connection: its status is all that says so, as with Docker's client.
    if (thrown instanceof SdkError && thrown.kind === "unreachable")
      return { ExitCode: LOST, Running: false };
    throw thrown;
  });
  // A process may close its streams and go on. A connection that was cut looks the same, but for what is said of it.
  const complaint = Running ? await client.connection.complaint() : undefined;
  if (complaint) throw fail(`error during connect: ${complaint}`);
  return ExitCode ?? 0;
}
