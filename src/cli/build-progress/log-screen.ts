// A step's output as a small terminal shows it: the last lines, with progress bars that are drawn over themselves. Knows
// what programs without a terminal send (line ends, returns, erasing); colours are left out.

export class LogScreen {
  #rows: string[][] = [[]];
  #row = 0;
  #column = 0;
  #pending = "";
  readonly #decoder = new TextDecoder();

  constructor(
    private height: number,
    private width: number,
  ) {}

  resize(height: number, width: number): void {
    this.height = height;
    this.width = Math.max(1, width);
    this.#scroll();
  }

  write(data: Uint8Array): void {
    const text = this.#pending + this.#decoder.decode(data, { stream: true });
    this.#pending = "";
    for (let at = 0; at < text.length; ) {
      if (text[at] === "\x1b") {
        const sequence = sequenceIn(text.slice(at + 1));
        if (!sequence) {
          // Its rest comes with the next piece; what never ends is no sequence.
          if (text.length - at < LONGEST) this.#pending = text.slice(at);
          return;
        }
        this.#control(sequence.parameters, sequence.command);
        at += 1 + sequence.length;
        continue;
      }
      const char = String.fromCodePoint(text.codePointAt(at) ?? 0);
      this.#put(char);
      at += char.length;
    }
  }

  /** The lines that have something on them, filled up to the width. */
  lines(): string[] {
    return this.#rows
      .map((row) => Array.from({ length: this.width }, (_, at) => row[at] ?? " ").join(""))
      .filter((line) => line.trim() !== "");
  }

  #put(char: string): void {
    if (char === "\n") {
      this.#row++;
      this.#column = 0;
      this.#scroll();
    } else if (char === "\r") this.#column = 0;
    else if (char === "\b") this.#column = Math.max(0, this.#column - 1);
    else if (char === "\t") this.#column = Math.min(this.width - 1, (Math.floor(this.#column / 8) + 1) * 8);
    else if (char >= " ") {
      if (this.#column >= this.width) this.#put("\n");
      const row = this.#rows[this.#row] ?? [];
      this.#rows[this.#row] = row;
      row[this.#column++] = char;
    }
  }

  #control(parameters: string, command: string | undefined): void {
    const count = Number(parameters.split(";")[0]) || 0;
    const row = this.#rows[this.#row] ?? [];
    if (command === "A") this.#row = Math.max(0, this.#row - (count || 1));
    else if (command === "B") this.#row = Math.min(this.#rows.length - 1, this.#row + (count || 1));
    else if (command === "C") this.#column = Math.min(this.width - 1, this.#column + (count || 1));
    else if (command === "D") this.#column = Math.max(0, this.#column - (count || 1));
    else if (command === "G") this.#column = Math.max(0, (count || 1) - 1);
    else if (command === "K") this.#rows[this.#row] = erased(row, this.#column, count);
    else if (command === "J") {
      this.#rows[this.#row] = erased(row, this.#column, count);
      if (count !== 1) this.#rows.length = this.#row + 1;
      if (count >= 2) {
        this.#rows = [[]];
        this.#row = 0;
      }
    } else if (command === "H") [this.#row, this.#column] = [0, 0];
  }

  #scroll(): void {
    while (this.#row >= this.height) {
      this.#rows.shift();
      this.#row--;
    }
    this.#rows[this.#row] ??= [];
    for (let at = 0; at < this.#row; at++) this.#rows[at] ??= [];
  }
}

/** Characters of a sequence, at most. */
const LONGEST = 256;

interface Sequence {
  length: number;
  parameters: string;
  command?: string;
}

/** What follows an escape (ECMA-48): a control sequence, an operating system's command, or one or two characters. */
function sequenceIn(text: string): Sequence | undefined {
  if (text.startsWith("]")) {
    const ends = [text.indexOf("\x07") + 1, text.indexOf("\x1b\\") + 2].filter((end) => end > 1);
    return ends.length > 0 ? { length: Math.min(...ends), parameters: "" } : undefined;
  }
  const [whole, parameters = "", command] = /^\[([?>=]?[\d;]*)([@-~])/.exec(text) ?? [];
  if (whole) return { length: whole.length, parameters, command };
  const other = /^(?:[()][A-Z0-9]|[^[\]()])/.exec(text)?.[0];
  return other ? { length: other.length, parameters: "" } : undefined;
}

/** 0: from the column on, 1: up to it, 2: all. */
function erased(row: string[], column: number, which: number): string[] {
  if (which === 0) return row.slice(0, column);
  return which === 1 ? row.map((char, at) => (at <= column ? " " : char)) : [];
}
