// What COPY and ADD may not: flags and sources that don't go together.
import { invalid } from "../../../base/errors.ts";
import type { AddInstruction, CopyInstruction } from "../instructions/index.ts";
import { isHttpSource, parseGitSource } from "./git-source.ts";

const OCTAL = /^[0-7]+$/;
/** chmod(1): who, then what, several by commas. */
const SYMBOLIC = /^[augo]*(?:[-+=](?:[rwxXst]*|[ugo]))+(?:,[augo]*(?:[-+=](?:[rwxXst]*|[ugo]))+)*$/;

/** Judges an instruction whose variables are expanded. Errors: invalid, in BuildKit's words. */
export function checkTransfer(instruction: AddInstruction | CopyInstruction): void {
  const { chmod, sources, kind } = instruction;
  if (chmod !== "") checkMode(chmod);
  if (kind === "add" && instruction.checksum !== "") checkChecksum(sources.paths);
  for (const path of sources.paths) {
    const git = parseGitSource(path);
    if (kind === "copy" && git) throw invalid("source can't be a git ref for COPY");
    if (kind === "copy" && isHttpSource(path)) throw invalid("source can't be a URL for COPY");
    if (kind === "add" && git) checkGit(instruction, git.keepGitDir, git.checksum);
  }
}

function checkMode(mode: string): void {
  const bad = invalid(
    `invalid chmod parameter: '${mode}'. it should be octal string and between 0 and 07777`,
  );
  if (OCTAL.test(mode)) {
    if (Number.parseInt(mode, 8) > 0o7777) throw bad;
  } else if (/^\d/.test(mode)) throw bad;
  else if (!SYMBOLIC.test(mode)) throw invalid("invalid syntax");
}

function checkChecksum(paths: readonly string[]): void {
  const [path] = paths;
  if (path === undefined || paths.length !== 1)
    throw invalid("checksum can't be specified for multiple sources");
  if (!isHttpSource(path) && !parseGitSource(path)) throw invalid("checksum requires HTTP(S) or Git sources");
}

function checkGit(add: AddInstruction, keepGitDir: boolean | undefined, checksum: string): void {
  if (add.keepGitDir !== undefined && keepGitDir !== undefined && add.keepGitDir !== keepGitDir)
    throw invalid("inconsistent keep-git-dir configuration");
  if (add.checksum && checksum && add.checksum !== checksum)
    throw invalid(`checksum mismatch ${JSON.stringify(add.checksum)} != ${JSON.stringify(checksum)}`);
}
