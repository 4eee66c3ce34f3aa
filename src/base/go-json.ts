// JSON as Go's encoding/json writes it: clients compare the bytes, and images that are made elsewhere of the same documents have
// the same digests.

/** Nothing in it that a web page would read as markup. `indent`: spaces a level. */
export function goJson(value: unknown, indent?: number | string): string {
  return (JSON.stringify(value, null, indent) ?? "null").replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** What a field with `omitempty` leaves out: nothing, "", false, an empty list or map. A 0 stays: its fields are pointers here. */
export const isGoEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (typeof value === "object" && Object.keys(value).length === 0);
