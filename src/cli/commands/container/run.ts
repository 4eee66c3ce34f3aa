// `run`: create, attach, wait, start, stream, end with the container's exit code.
import { CREATE_FLAGS } from "../../container-options/run-flags.ts";
import { createContainer, specFromFlags, startFailure } from "../../create-container.ts";
import { prepareToStay, requireTerminal, stay } from "../../foreground.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";

export default command({
  synopsis: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  about: "Create and run a new container from an image",
  aliases: ["container run", "run"],
  args: { atLeast: 1 },
  stopAtFirst: true,
  showsHelp: true,
  flags: {
    ...CREATE_FLAGS,
    detach: flag.bool("Run container in background and print container ID", { short: "d" }),
    "detach-keys": flag.string("Override the key sequence for detaching a container"),
    pull: flag.string('Pull image before running ("always", "missing", "never") (default "missing")', {
      default: "missing",
    }),
    "sig-proxy": flag.bool("Proxy received signals to the process (default true)", { default: true }),
  },
  async run(session, { args, flags, given }) {
    const spec = await specFromFlags(session, "run", args, flags, given);
    if (flags.detach) {
      if (flags.attach.length > 0)
        throw fail("conflicting options: cannot specify both --attach and --detach");
      Object.assign(spec, { AttachStdin: false, AttachStdout: false, AttachStderr: false, StdinOnce: false });
    } else requireTerminal(spec.AttachStdin ?? false, spec.Tty ?? false);
    const client = await session.client();
    let id: string;
    try {
      const creating = createContainer(session, spec, flags);
      if (!flags.detach) prepareToStay(client);
      id = await creating;
    } catch (thrown) {
      throw startFailure(session, "run", thrown);
    }
    const start = () => client.containers.start(id);
    if (!spec.AttachStdin && !spec.AttachStdout && !spec.AttachStderr) {
      await session.out.line(id);
      try {
        await start();
      } catch (thrown) {
        throw startFailure(session, "run", thrown);
      }
      return 0;
    }
    return stay(session, {
      client,
      id,
      tty: spec.Tty ?? false,
      streams: {
        stdin: spec.AttachStdin ?? false,
        stdout: spec.AttachStdout ?? false,
        stderr: spec.AttachStderr ?? false,
      },
      detachKeys: flags["detach-keys"],
      passSignals: flags["sig-proxy"],
      wait: flags.rm ? "removed" : "next-exit",
      start,
      failure: (thrown) => startFailure(session, "run", thrown),
    });
  },
});
