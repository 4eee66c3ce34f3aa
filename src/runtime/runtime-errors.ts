// What an OCI runtime says when it can't start a process, in the words that Docker's clients know: runc's, as Docker
// 28.5 hands them on. Clients take their exit status from these texts (docker/cli, command/container/run.go).
import { BerthError } from "../base/errors.ts";

const CREATE =
  "failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: ";
/** How an exec that never ran is told of. */
export const EXEC_REFUSED = "OCI runtime exec failed: exec failed: ";
const STARTING = "unable to start container process: ";
const IN_INIT = "error during container init: ";

/** A process that never ran. */
export class StartFailure extends BerthError {
  constructor(
    message: string,
    /** What the container or exec has as its exit status: 126 not executable, 127 not found, 128 anything else. */
    readonly exitCode: 126 | 127 | 128,
  ) {
    // As moby: what lies in the user's command or mounts is a bad request, else the daemon failed.
    super(exitCode === 128 ? "system" : "invalid", message);
  }
}

/** A container's program that could not be started. `command` is its first argument. */
export function startFailure(said: string, command: string): StartFailure {
  const runc = /^(?:runc (?:run|create) failed: )?(?:unable to start container process: )(.*)$/s.exec(
    said,
  )?.[1];
  if (runc === undefined && /^runc (?:run|create) failed: /.test(said)) {
    return judged(CREATE + said.replace(/^runc (?:run|create) failed: /, ""));
  }
  const detail = runc?.replace(/^error during container init: /, "") ?? inRuncsWords(said, command);
  return judged(CREATE + STARTING + IN_INIT + detail);
}

/** An exec's program that could not be started. */
export function execFailure(said: string, command: string): StartFailure {
  const runc = /^exec failed: (.*)$/s.exec(said)?.[1];
  return judged(EXEC_REFUSED + (runc ?? STARTING + inRuncsWords(said, command)));
}

/** crun's words in runc's form (Go's exec.LookPath and the kernel's texts in lower case). */
function inRuncsWords(said: string, command: string): string {
  const byPath = command.includes("/");
  if (/^executable file .* not found/.test(said) || /^open executable: /.test(said)) {
    if (!byPath) return `exec: ${JSON.stringify(command)}: executable file not found in $PATH`;
    if (said.startsWith("executable")) {
      return `exec: ${JSON.stringify(command)}: stat ${command}: no such file or directory`;
    }
    // crun says EPERM for what is no regular file.
    const what = said.endsWith("Operation not permitted") ? "is a directory" : "permission denied";
    return `exec: ${JSON.stringify(command)}: ${what}`;
  }
  const folder = /^chdir `(.*)`: (.*)$/s.exec(said);
  if (folder)
    return `chdir to cwd (${JSON.stringify(folder[1])}) set in config.json failed: ${asGo(folder[2] ?? "")}`;
  const label = /^write file `(\/proc\/[^`]*\/attr\/[^`]*)`: (.*)$/s.exec(said);
  if (label)
    return `unable to apply apparmor profile: apparmor failed to apply profile: write ${label[1]}: ${asGo(label[2] ?? "")}`;
  return said.replace(/: ([^:]*)$/, (_, last: string) => `: ${asGo(last)}`);
}

/** glibc's text of an errno as Go has it. */
function asGo(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** moby's setExitCodeFromError (daemon/errors.go): the status, and what it adds to the text for its client. */
function judged(message: string): StartFailure {
  const lower = message.toLowerCase();
  if (lower.includes("permission denied")) return new StartFailure(message, 126);
  if (lower.includes("is a directory")) return new StartFailure(`${message}: permission denied`, 126);
  if (lower.includes("not a directory")) {
    return new StartFailure(
      `${message}: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type`,
      127,
    );
  }
  if (lower.includes("executable file not found") || lower.includes("no such file or directory"))
    return new StartFailure(message, 127);
  return new StartFailure(message, 128);
}
