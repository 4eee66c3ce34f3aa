// Shell patterns for targets' names (Go's path.Match): `*`, `?` and `[a-z]`.

/** An ill-formed pattern matches nothing. */
export function matches(pattern: string, name: string): boolean {
  const source = pattern.replace(
    /\[(\^?)([^\]]*)\]|[*?]|[\\^$.|+(){}[\]]/g,
    (part, not: string, set: string) => {
      if (part === "*") return "[^/]*";
      if (part === "?") return "[^/]";
      return set === undefined ? `\\${part}` : `[${not}${set.replace(/[\\\]]/g, "\\$&")}]`;
    },
  );
  try {
    return new RegExp(`^${source}$`).test(name);
  } catch {
    return false;
  }
}

export const isPattern = (text: string): boolean => /[*?[\]]/.test(text);
