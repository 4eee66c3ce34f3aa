// A place in a file's text that moves forward: what expressions, templates and bodies are read with.
import { HclError } from "./failure.ts";
import type { Position, Range } from "./types.ts";

const SPACE = /[ \t\r]*/y;
const SPACE_AND_LINES = /[ \t\r\n]*/y;
const COMMENT = /(?:#|\/\/)[^\n]*|\/\*[\s\S]*?\*\//y;
const NAME = /[\p{ID_Start}_][\p{ID_Continue}-]*/uy;

export class Cursor {
  at = 0;
  /** Whether an end of line is a space, as between brackets. */
  private wrapped = false;
  private readonly lineStarts: number[] = [0];

  constructor(
    readonly text: string,
    readonly file: string,
  ) {
    for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) this.lineStarts.push(i + 1);
  }

  get atEnd(): boolean {
    return this.at >= this.text.length;
  }

  position(at = this.at): Position {
    let [low, high] = [0, this.lineStarts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.lineStarts[middle] ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    const start = this.lineStarts[low] ?? 0;
    return { line: low + 1, column: [...this.text.slice(start, at)].length + 1 };
  }

  rangeFrom(start: number, end = this.at): Range {
    return { file: this.file, start: this.position(start), end: this.position(end) };
  }

  fail(summary: string, detail: string, start = this.at, end = Math.min(start + 1, this.text.length)): never {
    throw new HclError(summary, detail, this.rangeFrom(start, end));
  }

  /** Passes what matches right here, without passing spaces first. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text) ?? undefined;
    if (found) this.at += found[0].length;
    return found;
  }

  /** Passes spaces and remarks, and ends of lines where they are none. */
  skip(): void {
    for (;;) {
      const from = this.at;
      this.match(this.wrapped ? SPACE_AND_LINES : SPACE);
      this.match(COMMENT);
      if (this.at === from) return;
    }
  }

  /** Passes spaces, remarks and ends of lines. */
  skipLines(): void {
    this.within(true, () => this.skip());
  }

  sees(token: string): boolean {
    this.skip();
    return this.text.startsWith(token, this.at);
  }

  /** Passes the token, if it is the next. */
  take(token: string): boolean {
    if (!this.sees(token)) return false;
    this.at += token.length;
    return true;
  }

  name(): string | undefined {
    this.skip();
    return this.match(NAME)?.[0];
  }

  /** Passes a word if it is the next name. */
  takeWord(word: string): boolean {
    this.skip();
    const from = this.at;
    if (this.match(NAME)?.[0] === word) return true;
    this.at = from;
    return false;
  }

  /** What is read by `work` has ends of lines as spaces, or hasn't. */
  within<T>(wrapped: boolean, work: () => T): T {
    const before = this.wrapped;
    this.wrapped = wrapped;
    try {
      return work();
    } finally {
      this.wrapped = before;
    }
  }
}
