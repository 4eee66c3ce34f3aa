// Variables of instructions. Which values are expanded, and in which order, is BuildKit's (instructions/commands.go):
// the first error is the one that is told.
import type { KeyValue } from "../syntax/index.ts";
import { resolveMount } from "./mounts.ts";
import type { Instruction, Mount, RunInstruction, Sources } from "./types.ts";

export interface Expander {
  /** One word's value, quotes and escapes gone. */
  word(text: string): string;
  /** A here-document's text: variables alone. */
  document(text: string): string;
}

/**
 * The instruction with its variables expanded. Not those of ARG, whose defaults only count where no value is given; of
 * EXPOSE, whose ports are split; of RUN, CMD, ENTRYPOINT, which are the shell's; RUN's mounts: see expandMounts.
 */
export function expandInstruction<T extends Instruction>(instruction: T, by: Expander): T;
export function expandInstruction(instruction: Instruction, by: Expander): Instruction {
  switch (instruction.kind) {
    case "env":
      return { ...instruction, variables: expandPairs(instruction.variables, by) };
    case "label":
      return { ...instruction, labels: expandPairs(instruction.labels, by) };
    case "add": {
      const chown = by.word(instruction.chown);
      const chmod = by.word(instruction.chmod);
      const checksum = by.word(instruction.checksum);
      return { ...instruction, chown, chmod, checksum, sources: expandSources(instruction.sources, by) };
    }
    case "copy": {
      const chown = by.word(instruction.chown);
      const chmod = by.word(instruction.chmod);
      return { ...instruction, chown, chmod, sources: expandSources(instruction.sources, by) };
    }
    case "workdir":
      return { ...instruction, path: by.word(instruction.path) };
    case "user":
      return { ...instruction, user: by.word(instruction.user) };
    case "volume":
      return { ...instruction, volumes: instruction.volumes.map((volume) => by.word(volume)) };
    case "stopsignal":
      return { ...instruction, signal: by.word(instruction.signal) };
    default:
      return instruction;
  }
}

/** RUN's mounts. Errors: invalid. */
export const expandMounts = (run: RunInstruction, by: Pick<Expander, "word">): Mount[] =>
  run.mounts.map(({ text }) => resolveMount(text, (value) => by.word(value)));

const expandPairs = (pairs: readonly KeyValue[], by: Expander): KeyValue[] =>
  pairs.map(({ key, value, legacy }) => ({ key: by.word(key), value: by.word(value), legacy }));

function expandSources(sources: Sources, by: Expander): Sources {
  const paths = sources.paths.map((path) => by.word(path));
  const destination = by.word(sources.destination);
  const documents = sources.documents.map((document) =>
    document.expand ? { ...document, content: by.document(document.content) } : document,
  );
  return { paths, destination, documents };
}
