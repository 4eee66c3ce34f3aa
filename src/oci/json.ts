// JSON as Go's encoding/json writes it, which images are made of elsewhere: the same document has the same digest then.

/** Nothing in it that a web page would read as markup. `indent`: spaces a level. */
export function encodeJson(value: unknown, indent?: number): Uint8Array {
  const text = JSON.stringify(value, null, indent).replace(
    /[<>&\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return new TextEncoder().encode(text);
}
