// What a document may hold, and a reader that refuses everything else by the name of its place.

/** Fields by name; a list of one shape; or a plain value ("texts": a map of texts). */
export type Shape = "string" | "number" | "boolean" | "texts" | [Shape] | { [field: string]: Shape };

/** Gives the value back with null fields left out, as Go's decoder takes them. Throws an Error that names the place. */
export function readFields(value: unknown, shape: Shape, place: string): unknown {
  const refuse = (wanted: string) => new Error(`${place || "the document"} is not ${wanted}`);
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) throw refuse("a list");
    return value.map((item, at) => readFields(item, shape[0], `${place}[${at}]`));
  }
  if (shape === "number") {
    if (!Number.isSafeInteger(value)) throw refuse("a whole number");
    return value;
  }
  if (shape === "string" || shape === "boolean") {
    if (typeof value !== shape) throw refuse(shape === "string" ? "a text" : "true or false");
    return value;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse("a map");
  const fields: Record<string, unknown> = Object.create(null);
  for (const [name, part] of Object.entries(value)) {
    const wanted = shape === "texts" ? "string" : Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (!wanted)
      throw new Error(
        `error unmarshaling JSON: while decoding JSON: json: unknown field ${JSON.stringify(name)}`,
      );
    if (part !== null) fields[name] = readFields(part, wanted, place ? `${place}.${name}` : name);
  }
  return { ...fields };
}
