// Here-documents: which words of a line begin one (`<<EOF`, `<<-EOF`, `3<<"EOF"`), and their contents' tabs.
import { splitWords } from "../words/index.ts";
import type { HereDocument } from "./types.ts";

const MARK = /^(\d*)<<(-?)[\t\n\f\r ]*([^<]*)$/;
const NOTHING = new Map<string, string>();
/** Here-document words are read with a backslash, whatever `# escape=` says. */
const PLAIN = { escape: "\\", keepUnset: true } as const;

export type HereDocumentMark = Omit<HereDocument, "content">;

/** The here-document that one word begins; undefined for any other word. */
export function parseHereDocumentMark(word: string): HereDocumentMark | undefined {
  const [, descriptor = "", dash = "", rest = ""] = MARK.exec(word) ?? [];
  if (rest === "") return undefined;
  try {
    const names = splitWords(rest, NOTHING, PLAIN);
    const [raw = ""] = splitWords(rest, NOTHING, { ...PLAIN, rawQuotes: true });
    const [name] = names;
    if (names.length !== 1 || name === undefined) return undefined;
    return {
      name,
      expand: quotesIn(name) === quotesIn(raw),
      stripTabs: dash === "-",
      descriptor: Number(descriptor || "0"),
    };
  } catch {
    return undefined;
  }
}

const quotesIn = (text: string): number => text.length - text.replaceAll(/['"]/g, "").length;

/** Those that a logical line begins, in order. A line with an open quote begins none: it is the shell's matter. */
export function hereDocumentMarks(line: string): HereDocumentMark[] {
  try {
    const words = splitWords(line, NOTHING, { ...PLAIN, rawQuotes: true, rawEscapes: true });
    return words.map(parseHereDocumentMark).filter((mark) => mark !== undefined);
  } catch {
    return [];
  }
}

/** The content as its reader gets it: for `<<-` without the tabs that begin its lines. */
export const hereDocumentText = (document: HereDocument): string =>
  document.stripTabs ? document.content.replaceAll(/^\t+/gm, "") : document.content;
