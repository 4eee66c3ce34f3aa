// The keys that a client types to leave a container running: `ctrl-p,ctrl-q` unless it asked for others.
import { invalid } from "../base/errors.ts";

const DEFAULT = Uint8Array.of(16, 17);
const CONTROL: Record<string, number> = { "@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, _: 31 };

/** "ctrl-a,x" in bytes; undefined or "": the default. Errors: the text of `complaint`, for what isn't a sequence of keys. */
export function parseDetachKeys(text: string | undefined, complaint: (text: string) => string): Uint8Array {
  if (!text) return DEFAULT;
  const bytes = text.split(",").map((key) => {
    if (key.length === 1) return key.charCodeAt(0);
    const control = /^ctrl-(.)$/.exec(key.toLowerCase())?.[1];
    if (control && /[a-z]/.test(control)) return control.charCodeAt(0) - 96;
    return control === undefined ? undefined : CONTROL[control];
  });
  if (bytes.some((byte) => byte === undefined || byte > 127)) throw invalid(complaint(text));
  return Uint8Array.from(bytes as number[]);
}

/** Finds the keys in a client's input. What may be their beginning is held back until the next byte decides. */
export class DetachScanner {
  private matched = 0;
  constructor(private readonly keys: Uint8Array) {}

  /** The input to pass on, and whether the keys were complete (the rest of the input is dropped then). */
  scan(input: Uint8Array): { pass: Uint8Array; detached: boolean } {
    // Nearly all input has no key in it: then it is passed on as it is.
    if (this.matched === 0 && !input.includes(this.keys[0] as number))
      return { pass: input, detached: false };
    const pass: number[] = [];
    for (const byte of input) {
      if (byte === this.keys[this.matched]) {
        this.matched++;
        if (this.matched === this.keys.length) return { pass: Uint8Array.from(pass), detached: true };
        continue;
      }
      pass.push(...this.keys.subarray(0, this.matched));
      this.matched = byte === this.keys[0] ? 1 : 0;
      if (this.matched === 0) pass.push(byte);
    }
    return {
      pass: this.matched === 0 && pass.length === input.length ? input : Uint8Array.from(pass),
      detached: false,
    };
  }
}
