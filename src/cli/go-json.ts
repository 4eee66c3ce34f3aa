// JSON as Go's encoding/json reads it (base/go-json.ts writes it): where JavaScript's parser says no, Go's words for it,
// which Docker's users know from a broken config.json or meta.json.

export interface GoJson {
  value: unknown;
  /** What follows the value is not only white space. */
  trailing: boolean;
}

/** Reads the first value of a text. Throws an Error with Go's message; `atEnd` is what it says of a text that stops short. */
export function parseGoJson(text: string, atEnd = "unexpected end of JSON input"): GoJson {
  try {
    return { value: JSON.parse(text) as unknown, trailing: false };
  } catch {
    const end = new Scanner(text, atEnd).value(0);
    return { value: JSON.parse(text.slice(0, end)) as unknown, trailing: text.slice(end).trim() !== "" };
  }
}

/** What Go says of a text that is not one value of JSON. */
export function goJsonProblem(text: string): string {
  try {
    const end = new Scanner(text, "unexpected end of JSON input").value(0);
    const rest = text.slice(end).trimStart();
    return rest ? `invalid character ${shown(rest[0] ?? "")} after top-level value` : "";
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

const shown = (one: string) =>
  `'${one === "'" ? "\\'" : one === '"' ? '"' : JSON.stringify(one).slice(1, -1)}'`;

/** The kind of a value as Go's messages name it. */
export function goKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (value === null) return "null";
  const kind = typeof value;
  return kind === "boolean" ? "bool" : kind;
}

const LITERALS = ["true", "false", "null"];

/** Walks over one value; throws at the first character that Go would stop at. */
class Scanner {
  constructor(
    private readonly text: string,
    private readonly atEnd: string,
  ) {}

  private fail(at: number, where: string): never {
    const one = this.text[at];
    if (one === undefined) throw new Error(this.atEnd);
    throw new Error(`invalid character ${shown(one)} ${where}`);
  }

  private blank(from: number): number {
    let at = from;
    while (/[ \t\r\n]/.test(this.text[at] ?? "")) at++;
    return at;
  }

  value(from: number): number {
    const at = this.blank(from);
    const one = this.text[at] ?? "";
    if (one === "{") return this.object(at + 1);
    if (one === "[") return this.array(at + 1);
    if (one === '"') return this.string(at + 1);
    if (/[-\d]/.test(one)) return this.number(at);
    const literal = LITERALS.find((word) => one !== "" && word.startsWith(one));
    return literal ? this.literal(at, literal) : this.fail(at, "looking for beginning of value");
  }

  private object(from: number): number {
    let at = this.blank(from);
    if (this.text[at] === "}") return at + 1;
    for (;;) {
      if (this.text[at] !== '"') this.fail(at, "looking for beginning of object key string");
      at = this.blank(this.string(at + 1));
      if (this.text[at] !== ":") this.fail(at, "after object key");
      at = this.blank(this.value(at + 1));
      if (this.text[at] === "}") return at + 1;
      if (this.text[at] !== ",") this.fail(at, "after object key:value pair");
      at = this.blank(at + 1);
    }
  }

  private array(from: number): number {
    let at = this.blank(from);
    if (this.text[at] === "]") return at + 1;
    for (;;) {
      at = this.blank(this.value(at));
      if (this.text[at] === "]") return at + 1;
      if (this.text[at] !== ",") this.fail(at, "after array element");
      at++;
    }
  }

  private string(from: number): number {
    for (let at = from; ; at++) {
      const one = this.text[at];
      if (one === '"') return at + 1;
      if (one === undefined || one < " ") this.fail(at, "in string literal");
      if (one !== "\\") continue;
      at++;
      const kind = this.text[at] ?? "";
      if (kind === "u") {
        for (let left = 4; left > 0; left--)
          if (!/[\da-fA-F]/.test(this.text[++at] ?? "")) this.fail(at, "in \\u hexadecimal character escape");
      } else if (!/["\\/bfnrt]/.test(kind)) this.fail(at, "in string escape code");
    }
  }

  private number(from: number): number {
    let at = from;
    const digits = (where: string) => {
      if (!/\d/.test(this.text[at] ?? "")) this.fail(at, where);
      while (/\d/.test(this.text[at] ?? "")) at++;
    };
    if (this.text[at] === "-") at++;
    if (this.text[at] === "0") at++;
    else digits("in numeric literal");
    if (this.text[at] === ".") {
      at++;
      digits("after decimal point in numeric literal");
    }
    if (/[eE]/.test(this.text[at] ?? "")) {
      at++;
      if (/[+-]/.test(this.text[at] ?? "")) at++;
      digits("in exponent of numeric literal");
    }
    return at;
  }

  private literal(from: number, word: string): number {
    for (let at = 1; at < word.length; at++)
      if (this.text[from + at] !== word[at])
        this.fail(from + at, `in literal ${word} (expecting '${word[at]}')`);
    return from + word.length;
  }
}
