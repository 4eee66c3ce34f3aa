// RUN: the argument vector, with here-documents given to the shell or made a script.
import { invalid } from "../../../base/errors.ts";
import type { RunInstruction } from "../instructions/index.ts";
import { hereDocumentText, parseHereDocumentMark } from "../syntax/index.ts";

/** Where a here-document that begins with #! is mounted, read-only. */
const SCRIPT_FOLDER = "/dev/pipes/";

export interface RunCommand {
  readonly args: readonly string[];
  /** A file of mode 0755 to be mounted, read-only, in `folder`. */
  readonly script?: { readonly folder: string; readonly name: string; readonly content: string };
}

/** The command; `shell` is the stage's. Errors: invalid. */
export function runCommand(run: RunInstruction, shell: readonly string[]): RunCommand {
  const { args, heredocs } = run.command;
  const [document] = heredocs;
  if (!document) return { args: run.command.shell ? [...shell, args.join(" ")] : args };
  const [line = ""] = args;
  if (args.length !== 1 || !run.command.shell)
    throw invalid(`parsing produced an invalid run command: [${args.join(" ")}]`);
  if (!parseHereDocumentMark(line)) {
    const parts = heredocs.map(({ content, name }) => `${content}${name}`);
    return { args: [...shell, [line, ...parts].join("\n")] };
  }
  const content = hereDocumentText(document);
  if (!document.content.startsWith("#!")) return { args: [...shell, content] };
  const script = { folder: SCRIPT_FOLDER, name: document.name, content };
  return { args: [...shell, SCRIPT_FOLDER + document.name], script };
}
