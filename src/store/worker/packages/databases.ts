// The databases of system packages: dpkg's status (deb-control(5)), apk's installed (apk-tools, "Alpine Package Keeper database").
import type { FoundPackage } from "./types.ts";

type Stanza = Map<string, string>;

/** Paragraphs of `Key: value`; what continues on indented lines is left out but for a first line. */
function stanzas(text: string, separator: string): Stanza[] {
  return text
    .split(/\n\s*\n/)
    .map((part) => {
      const fields: Stanza = new Map();
      for (const line of part.split("\n")) {
        const at = line.indexOf(separator);
        if (at > 0 && !/^\s/.test(line))
          fields.set(line.slice(0, at), line.slice(at + separator.length).trim());
      }
      return fields;
    })
    .filter((fields) => fields.size > 0);
}

const optional = <K extends string>(key: K, value: string | undefined) =>
  (value ? { [key]: value } : {}) as { [P in K]?: string };

/** `installed`: without a state, as in the files of status.d, a package is. */
export function readDpkg(text: string, source: string): FoundPackage[] {
  return stanzas(text, ":").flatMap((fields) => {
    const name = fields.get("Package");
    const version = fields.get("Version");
    const status = fields.get("Status");
    if (!name || !version || (status && !/ installed$/.test(status))) return [];
    return [
      {
        type: "deb" as const,
        name,
        version,
        ...optional("architecture", fields.get("Architecture")),
        ...optional("supplier", fields.get("Maintainer")),
        ...optional("homepage", fields.get("Homepage")),
        source,
      },
    ];
  });
}

export function readApk(text: string, source: string): FoundPackage[] {
  return stanzas(text, ":").flatMap((fields) => {
    const name = fields.get("P");
    const version = fields.get("V");
    if (!name || !version) return [];
    return [
      {
        type: "apk" as const,
        name,
        version,
        ...optional("architecture", fields.get("A")),
        ...optional("license", fields.get("L")),
        ...optional("supplier", fields.get("m")),
        ...optional("homepage", fields.get("U")),
        source,
      },
    ];
  });
}

/** os-release(5). */
export function readOsRelease(text: string): { id: string; version: string; name: string } {
  const fields = new Map(
    text.split("\n").flatMap((line) => {
      const [, key, value] = /^\s*([A-Z_]+)=(.*)$/.exec(line) ?? [];
      return key ? [[key, (value ?? "").replace(/^(["'])(.*)\1$/, "$2")] as const] : [];
    }),
  );
  const id = fields.get("ID") ?? "linux";
  const version = fields.get("VERSION_ID") ?? "";
  return { id, version, name: fields.get("PRETTY_NAME") ?? `${id} ${version}`.trim() };
}
