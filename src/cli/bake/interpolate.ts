// `$NAME` and `${NAME:-x}` in Compose files (compose-spec, "Interpolation").

type Lookup = (name: string) => string | undefined;

const MARK = /\$(?:\$|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-?+])((?:[^${}]|\$\{[^{}]*\}|\$(?!\{))*))?\})/g;

/** Throws an Error for a variable that is required and isn't there. */
export function interpolate(text: string, lookup: Lookup): string {
  return text.replace(MARK, (mark: string, plain?: string, name?: string, operator?: string, word = "") => {
    if (mark === "$$") return "$";
    const value = lookup(plain ?? name ?? "");
    if (!operator) return value ?? "";
    const missing = value === undefined || (operator.startsWith(":") && value === "");
    if (operator.endsWith("+")) return missing ? "" : interpolate(word, lookup);
    if (!missing) return value;
    if (operator.endsWith("-")) return interpolate(word, lookup);
    throw new Error(`required variable ${name} is missing a value: ${interpolate(word, lookup)}`);
  });
}

/** All texts of a document. */
export function interpolateAll(value: unknown, lookup: Lookup): unknown {
  if (typeof value === "string") return interpolate(value, lookup);
  if (Array.isArray(value)) return value.map((item) => interpolateAll(item, lookup));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, interpolateAll(item, lookup)]),
    );
  return value;
}

/** A `.env` file: `NAME=value`, quoted or not, `export` before it, remarks. Values may name those before. */
export function parseEnvFile(text: string, outer: Lookup): Record<string, string> {
  const found: Record<string, string> = {};
  const lookup: Lookup = (name) => outer(name) ?? found[name];
  for (const line of text.split(/\r?\n/)) {
    const match =
      /^\s*(?:export\s+)?([A-Za-z_][\w.]*)\s*[=:]\s*(?:'([^']*)'|"((?:[^"\\]|\\.)*)"|([^#]*?))\s*(?:#.*)?$/.exec(
        line,
      );
    if (!match) continue;
    const [, name = "", single, double, plain = ""] = match;
    found[name] =
      single ?? interpolate(double?.replace(/\\n/g, "\n").replace(/\\(["\\$])/g, "$1") ?? plain, lookup);
  }
  return found;
}
