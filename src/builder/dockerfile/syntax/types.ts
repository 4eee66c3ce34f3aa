// The vocabulary of a Dockerfile's text before anybody asks what its instructions mean.
import type { Lines } from "../source.ts";
import type { Escape } from "../words/index.ts";

/** `# name=value` at the top of the file. */
export interface Directive {
  readonly name: "syntax" | "escape" | "check";
  readonly value: string;
  readonly line: number;
}

/** `<<NAME` in RUN, COPY or ADD, and the lines up to NAME. */
export interface HereDocument {
  readonly name: string;
  /** False when a part of the name was quoted: `$x` in the content is then only text. */
  readonly expand: boolean;
  /** `<<-`: tabs at the start of each line, and before the closing name, don't count. */
  readonly stripTabs: boolean;
  /** `3<<NAME`. */
  readonly descriptor: number;
  /** As it stands in the file, line ends too; tabs not yet stripped. */
  readonly content: string;
}

/** One `name=value`, or `name value` in the form of old. Quotes and variables are still in it. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** `ENV name value`, without `=`. */
  readonly legacy: boolean;
}

/** One instruction as it is written: split up, nothing expanded, nothing checked. */
export interface InstructionNode {
  /** As written: `RUN`, `run`. */
  readonly keyword: string;
  /** `--name=value` before the arguments, quotes and escapes gone. */
  readonly flags: readonly string[];
  /**
   * JSON form: its strings. Else FROM, EXPOSE, ARG, COPY, ADD, VOLUME: the words; HEALTHCHECK: its type and the rest;
   * ENV, LABEL: none, see `pairs`; ONBUILD: none, see `trigger`; the others: the whole rest as one.
   */
  readonly args: readonly string[];
  readonly json: boolean;
  readonly pairs: readonly KeyValue[];
  readonly trigger?: InstructionNode;
  readonly heredocs: readonly HereDocument[];
  /** The logical line: continued lines joined, comments between them gone, here-documents not included. */
  readonly source: string;
  readonly lines: Lines;
  /** Texts of the comments above it; an empty comment starts them anew, an empty line doesn't. */
  readonly comments: readonly string[];
}

export interface DockerfileSyntax {
  readonly nodes: readonly InstructionNode[];
  readonly escape: Escape;
  readonly directives: readonly Directive[];
  /** The last lines of instructions that are continued over an empty line. */
  readonly emptyContinuations: readonly number[];
}
