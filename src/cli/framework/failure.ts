// How a command ends when it doesn't end well: a text for standard error and an exit code.

/** Exit codes that Docker's users script against (docker run, "Exit status"). */
export const EXIT = { failed: 1, usage: 125, notExecutable: 126, notFound: 127 } as const;

/** Ends the command. An empty message prints nothing: the exit code alone speaks (a container's own code). */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  constructor(
    message: string,
    readonly exitCode: number = EXIT.failed,
    options: { cause?: unknown } = {},
  ) {
    super(message, options);
  }
}

export const fail = (message: string, exitCode: number = EXIT.failed) =>
  new CommandFailure(message, exitCode);
