// The keys that leave a container running behind (`--detach-keys`, config.json's detachKeys; ctrl-p,ctrl-q).

export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";

/** The bytes of a list of keys: `a`, `ctrl-a`, `ctrl-@`, `ctrl-[`, separated by commas. Throws on another name. */
export function parseDetachKeys(text: string): number[] {
  return text.split(",").map((key) => {
    if ([...key].length === 1) return key.charCodeAt(0);
    const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
    if (!control) throw new Error(`Unknown character: '${key}'`);
    return control === "@" ? 0 : control.toUpperCase().charCodeAt(0) - 64;
  });
}

/** Thrown through whoever reads the keys. Docker's text for it. */
export class Detached extends Error {
  override readonly name = "Detached";
  constructor() {
    super("read escape sequence");
  }
}

/**
 * Passes on what is typed, and throws Detached at the sequence. Keys that begin it are held back until the next one
 * decides. Chunks longer than the sequence are pasted text, not keys pressed, and pass as they are.
 */
export async function* watchForDetach(
  source: AsyncIterable<Uint8Array>,
  keys: number[],
): AsyncGenerator<Uint8Array> {
  let matched = 0;
  for await (const chunk of source) {
    if (chunk.length > keys.length) {
      const held = keys.slice(0, matched);
      matched = 0;
      yield Uint8Array.from([...held, ...chunk]);
      continue;
    }
    const pass: number[] = [];
    for (const byte of chunk) {
      if (byte === keys[matched]) {
        matched++;
        if (matched === keys.length) throw new Detached();
        continue;
      }
      pass.push(...keys.slice(0, matched));
      matched = byte === keys[0] ? 1 : 0;
      if (matched === 0) pass.push(byte);
    }
    if (pass.length > 0) yield Uint8Array.from(pass);
  }
}
