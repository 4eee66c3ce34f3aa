// From bytes to instruction nodes: lines, directives, comments, continuations and here-documents, as BuildKit's parser
// has them (frontend/dockerfile/parser), with its errors.
import { BerthError } from "../../../base/errors.ts";
import { trim, trimStart } from "../go-text.ts";
import { DockerfileError, type Lines } from "../source.ts";
import type { Escape } from "../words/index.ts";
import { splitArguments } from "./arguments.ts";
import { DirectiveReader } from "./directives.ts";
import { splitLine } from "./flags.ts";
import { hereDocumentMarks } from "./heredoc.ts";
import { explainRemark } from "./remark.ts";
import type { DockerfileSyntax, HereDocument, InstructionNode } from "./types.ts";

/** Bytes of a line without its end; Go's bufio.Scanner, and so BuildKit, takes no more. */
const MAX_LINE = 65535;
const HERE_DOCUMENT_KEYWORDS = new Set(["add", "copy", "run"]);

/**
 * Parses a whole Dockerfile. Bytes that aren't UTF-8 become U+FFFD. Errors: DockerfileError, with the lines.
 */
export function parseDockerfile(input: Uint8Array | string): DockerfileSyntax {
  const text =
    typeof input === "string" ? input : new TextDecoder("utf-8", { ignoreBOM: true }).decode(input);
  if (text === "") throw new DockerfileError("the Dockerfile cannot be empty");
  return new Parser(text.startsWith("\ufeff") ? text.slice(1) : text).parse();
}

class Parser {
  private readonly lines: readonly string[];
  /** Lines read so far: the number of the last one, from 1. */
  private read = 0;
  private escape: Escape = "\\";
  private readonly directives = new DirectiveReader();
  private readonly nodes: InstructionNode[] = [];
  private readonly emptyContinuations: number[] = [];
  private comments: string[] = [];

  constructor(text: string) {
    const lines = text.split("\n");
    if (lines.at(-1) === "") lines.pop();
    this.lines = lines;
  }

  parse(): DockerfileSyntax {
    for (let line = this.next(); line !== undefined; line = this.next()) this.startAt(line);
    if (this.nodes.length === 0) throw this.error("file with no instructions", this.read);
    const { nodes, emptyContinuations } = this;
    return { nodes, escape: this.escape, directives: this.directives.found, emptyContinuations };
  }

  private next(): string | undefined {
    const line = this.lines[this.read];
    if (line === undefined) return undefined;
    this.read++;
    if (line.length > MAX_LINE / 3 && Buffer.byteLength(line) > MAX_LINE)
      throw this.error(`dockerfile line greater than max allowed size of ${MAX_LINE}`, this.read);
    return line;
  }

  private error(message: string, start: number, cause?: unknown): DockerfileError {
    return new DockerfileError(message, [{ start, end: Math.max(start, this.read) }], cause);
  }

  /** A line that continues none: empty, a directive, a comment, or an instruction's first. */
  private startAt(raw: string): void {
    const line = trimStart(withoutEnd(raw));
    if (this.readDirective(line)) return;
    if (line.startsWith("#")) {
      // BuildKit drops one character before it looks for the text: of an indented comment the # is left.
      const comment = trim(withoutEnd(raw).slice(1));
      if (comment === "") this.comments = [];
      else this.comments.push(comment);
      return;
    }
    const first = this.uncontinued(line);
    if (first.complete && first.text === "") return;
    this.readInstruction(first);
  }

  private readDirective(line: string): boolean {
    try {
      const directive = this.directives.read(line);
      if (directive?.name === "escape") this.escape = escapeCharacter(directive.value);
      return directive !== undefined;
    } catch (thrown) {
      if (thrown instanceof BerthError) throw this.error(thrown.message, this.read, thrown);
      throw thrown;
    }
  }

  private readInstruction(first: { text: string; complete: boolean }): void {
    const start = this.read;
    const source = this.joinContinuations(first);
    const comments = this.comments;
    try {
      const node = parseLine(source, this.escape, { start, end: this.read }, comments);
      const heredocs = takesHereDocuments(node) ? this.readHereDocuments(source, start) : [];
      this.nodes.push({ ...node, heredocs, lines: { start, end: this.read } });
    } catch (thrown) {
      if (thrown instanceof DockerfileError || !(thrown instanceof BerthError)) throw thrown;
      throw this.error(explainRemark(thrown.message, source, start, this.escape), start, thrown);
    }
    this.comments = [];
  }

  /** Comments between continued lines are dropped, and so are empty lines, with a warning. */
  private joinContinuations(first: { text: string; complete: boolean }): string {
    const parts = [first.text];
    let { complete } = first;
    let empty = false;
    while (!complete) {
      const raw = this.next();
      if (raw === undefined) break;
      const line = withoutEnd(raw);
      const text = trimStart(line);
      if (text.startsWith("#")) continue;
      if (text === "") {
        empty = true;
        continue;
      }
      const part = this.uncontinued(line);
      parts.push(part.text);
      complete = part.complete;
    }
    if (empty) this.emptyContinuations.push(this.read);
    return parts.join("");
  }

  /** The line without the escape character that continues it: its last but blanks, not itself escaped. */
  private uncontinued(line: string): { text: string; complete: boolean } {
    let end = line.length;
    while (end > 0 && (line[end - 1] === " " || line[end - 1] === "\t")) end--;
    const continued = line[end - 1] === this.escape && line[end - 2] !== this.escape;
    return continued ? { text: line.slice(0, end - 1), complete: false } : { text: line, complete: true };
  }

  private readHereDocuments(source: string, start: number): HereDocument[] {
    if (!source.includes("<<")) return [];
    return hereDocumentMarks(source).map((mark) => {
      const content: string[] = [];
      for (;;) {
        const line = this.next();
        if (line === undefined) throw this.error("unterminated heredoc", start);
        const text = withoutEnd(line);
        if ((mark.stripTabs ? text.replace(/^\t+/, "") : text) === mark.name) break;
        content.push(`${line}\n`);
      }
      return { ...mark, content: content.join("") };
    });
  }
}

function escapeCharacter(value: string): Escape {
  if (value === "`" || value === "\\") return value;
  throw new BerthError("invalid", `invalid escape token '${value}' does not match \` or \\`);
}

/** Without carriage returns at its end, of which there is one in files from Windows. */
function withoutEnd(line: string): string {
  let end = line.length;
  while (line[end - 1] === "\r") end--;
  return line.slice(0, end);
}

/** One logical line as a node. ONBUILD's trigger is parsed too, but not a trigger within it: that is refused later. */
export function parseLine(
  source: string,
  escapeToken: Escape,
  lines: Lines,
  comments: readonly string[] = [],
  inTrigger = false,
): InstructionNode {
  const { keyword, flags, rest } = splitLine(source, escapeToken);
  const shared = { keyword, flags, source, lines, comments, heredocs: [] };
  if (keyword.toLowerCase() !== "onbuild" || inTrigger || rest === "")
    return { ...shared, ...splitArguments(keyword.toLowerCase(), rest, escapeToken) };
  return {
    ...shared,
    args: [],
    json: false,
    pairs: [],
    trigger: parseLine(rest, escapeToken, lines, [], true),
  };
}

function takesHereDocuments(node: InstructionNode): boolean {
  const { keyword, json } = node.trigger ?? node;
  return HERE_DOCUMENT_KEYWORDS.has(keyword.toLowerCase()) && !json;
}
