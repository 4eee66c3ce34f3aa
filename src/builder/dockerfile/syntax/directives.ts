// Parser directives: `# syntax=…`, `# escape=…`, `# check=…` before everything else in the file; and the search for
// `syntax` in files that are no Dockerfiles (another frontend's), whose comments begin with `//`, or which are JSON.
import { invalid } from "../../../base/errors.ts";
import { isSpace, trimStart } from "../go-text.ts";
import type { Lines } from "../source.ts";
import type { Directive } from "./types.ts";

const NAMES: readonly string[] = ["syntax", "escape", "check"];
const ASSIGNMENT = /^([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=/;
const BLANK = "\t\n\f\r ";

/** Takes the file's lines one by one; the first that is no directive ends them. */
export class DirectiveReader {
  readonly found: Directive[] = [];
  private done = false;

  constructor(
    private readonly comment: "#" | "//" = "#",
    private line = 0,
  ) {}

  /** The directive in this line. Errors: invalid, for one that is there twice. */
  read(line: string): Directive | undefined {
    this.line++;
    if (this.done) return undefined;
    const parsed = parseDirective(line, this.comment);
    if (!parsed) {
      this.done = true;
      return undefined;
    }
    if (this.found.some(({ name }) => name === parsed.name))
      throw invalid(`only one ${parsed.name} parser directive can be used`);
    const directive = { ...parsed, line: this.line };
    this.found.push(directive);
    return directive;
  }
}

function parseDirective(line: string, comment: string): Omit<Directive, "line"> | undefined {
  if (!line.startsWith(comment)) return undefined;
  const text = trimStart(line.slice(comment.length));
  const assignment = ASSIGNMENT.exec(text);
  const name = assignment?.[1]?.toLowerCase();
  if (!assignment || !isName(name)) return undefined;
  const rest = text.slice(assignment[0].length);
  let [start, end] = [0, rest.length];
  while (start < end && BLANK.includes(rest[start]!)) start++;
  while (end > start && BLANK.includes(rest[end - 1]!)) end--;
  // A value of blanks alone is one blank to BuildKit's regular expression.
  const value = rest.slice(start, end) || rest.slice(-1);
  return value === "" ? undefined : { name, value };
}

const isName = (name: string | undefined): name is Directive["name"] => NAMES.includes(name ?? "");

/** The frontend that a file asks for: its reference, the whole value, and where it stands. */
export interface SyntaxRequest {
  readonly reference: string;
  readonly commandLine: string;
  readonly lines: Lines;
}

/** `# syntax=…`, `// syntax=…` or `{"syntax": "…"}`, also below a `#!` line; undefined when there is none. */
export function detectSyntax(text: string): SyntaxRequest | undefined {
  const { body, line } = withoutShebang(text);
  for (const comment of ["#", "//"] as const) {
    const found = directivesOf(body, comment, line).find(({ name }) => name === "syntax");
    if (found) return request(found.value, found.line);
  }
  const value = jsonSyntax(body);
  return value === undefined ? undefined : request(value, line + 1);
}

/** The value of a `#` directive up to its first blank, as BuildKit takes `check`; undefined when there is none. */
export function directiveValue(text: string, name: Directive["name"]): string | undefined {
  const { body, line } = withoutShebang(text);
  return directivesOf(body, "#", line)
    .find((directive) => directive.name === name)
    ?.value.split(" ", 1)[0];
}

const request = (value: string, line: number): SyntaxRequest => ({
  reference: value.split(" ", 1)[0] ?? "",
  commandLine: value,
  lines: { start: line, end: line },
});

function withoutShebang(text: string): { body: string; line: number } {
  const body = text.startsWith("\ufeff") ? text.slice(1) : text;
  if (!body.startsWith("#!")) return { body, line: 0 };
  const end = body.indexOf("\n");
  return { body: end < 0 ? "" : body.slice(end + 1), line: 1 };
}

/** Those before the first line that is none; one that is there twice ends them. */
function directivesOf(text: string, comment: "#" | "//", line: number): readonly Directive[] {
  const reader = new DirectiveReader(comment, line);
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    const current = text.slice(at, end < 0 ? undefined : end).replace(/\r$/, "");
    try {
      if (!reader.read(current)) break;
    } catch {
      break;
    }
    at = end < 0 ? text.length : end + 1;
  }
  return reader.found;
}

function jsonSyntax(text: string): string | undefined {
  let at = 0;
  while (at < text.length && isSpace(text[at]!)) at++;
  if (text[at] !== "{") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("syntax" in value)) return undefined;
    return typeof value.syntax === "string" ? value.syntax : undefined;
  } catch {
    return undefined;
  }
}
