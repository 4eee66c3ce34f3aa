// The job "changes": a letter, a path and a NUL for each change to standard output, the report to standard error.
import { type Change, changesIn, type Trees, withFolders } from "./changes.ts";
import { inChunks, writeAll } from "./pack.ts";

const LETTERS = { added: "A", changed: "C", deleted: "D", unmade: "D", same: "C" } as const;

/** A folder with changes in it is a changed one, as Docker shows it. Answers how many there are. */
export function listChanges(trees: Trees): { count: number } {
  let count = 0;
  const lines = function* (): Generator<Buffer> {
    for (const { kind, path } of withFolders(changesIn(trees, false), isChange)) {
      count++;
      yield Buffer.from(`${LETTERS[kind]}/${path}\0`, "latin1");
    }
  };
  for (const chunk of inChunks(lines())) writeAll(1, chunk);
  return { count };
}

const isChange = ({ kind }: Change): boolean => kind !== "same";
