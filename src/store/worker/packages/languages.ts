// Packages of languages by their own files: npm's package.json, Python's METADATA and PKG-INFO (core metadata), and what Go's
// linker puts into programs (debug/buildinfo).
import type { FoundPackage } from "./types.ts";

/** Undefined for what is no installed package's. */
export function readNpm(text: string, source: string): FoundPackage | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof document !== "object" || document === null) return undefined;
  const { name, version, license, homepage, author } = document as Record<string, unknown>;
  if (typeof name !== "string" || typeof version !== "string" || !name || !version) return undefined;
  const supplier = typeof author === "string" ? author : (author as { name?: unknown } | undefined)?.name;
  return {
    type: "npm",
    name,
    version,
    ...(typeof license === "string" && { license }),
    ...(typeof homepage === "string" && { homepage }),
    ...(typeof supplier === "string" && { supplier }),
    source,
  };
}

/** The fields before the first empty line are the package's, as in mail. */
export function readPython(text: string, source: string): FoundPackage | undefined {
  const head = text.split(/\r?\n\r?\n/, 1)[0] ?? "";
  const field = (name: string) => new RegExp(`^${name}:[ \t]*(.+)$`, "im").exec(head)?.[1]?.trim();
  const name = field("Name");
  const version = field("Version");
  if (!name || !version) return undefined;
  const license = field("License-Expression") ?? field("License");
  const homepage = field("Home-page");
  const supplier = field("Author");
  return {
    type: "pypi",
    // PEP 503: one spelling for each name.
    name: name.toLowerCase().replace(/[-_.]+/g, "-"),
    version,
    ...(license && license !== "UNKNOWN" && { license }),
    ...(homepage && homepage !== "UNKNOWN" && { homepage }),
    ...(supplier && { supplier }),
    source,
  };
}

/** Go's mark before a program's build information, at a multiple of 16 bytes. */
const MAGIC = Buffer.from("\xff Go buildinf:", "latin1");
/** Flag: the strings stand right behind the head (Go 1.18 and later). */
const INLINE = 2;
const HEAD = 32;
/** The modules' text is between two marks of 16 bytes. */
const MARK = 16;

/** `bytes`: of a program, from its data on. Empty for what Go before 1.18 made, and for other programs. */
export function readGo(bytes: Buffer, source: string): FoundPackage[] {
  const at = bytes.indexOf(MAGIC);
  if (at < 0 || at + HEAD > bytes.length || ((bytes[at + 15] ?? 0) & INLINE) === 0) return [];
  const version = stringAt(bytes, at + HEAD);
  const modules = version && stringAt(bytes, version.end);
  if (!modules || modules.text.length < 2 * MARK) return [];
  const lines = modules.text.slice(MARK, -MARK).split("\n");
  const found: FoundPackage[] = [];
  for (const line of lines) {
    const [kind, name, moduleVersion] = line.split("\t");
    if (!name || !moduleVersion) continue;
    const one: FoundPackage = { type: "golang", name, version: moduleVersion, source };
    if (kind === "=>") found.splice(-1, 1, one);
    else if (kind === "dep" || (kind === "mod" && moduleVersion !== "(devel)")) found.push(one);
  }
  found.push({ type: "golang", name: "stdlib", version: version.text.replace(/^go/, ""), source });
  return found;
}

/** A length as a varint, then as many bytes. */
function stringAt(bytes: Buffer, start: number): { text: string; end: number } | undefined {
  let length = 0;
  let at = start;
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[at++];
    if (byte === undefined || factor > 2 ** 35) return undefined;
    length += (byte & 0x7f) * factor;
    if (byte < 0x80) break;
  }
  if (at + length > bytes.length) return undefined;
  return { text: bytes.toString("utf8", at, at + length), end: at + length };
}
