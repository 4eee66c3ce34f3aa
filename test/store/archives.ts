// Archives for tests, entry by entry, evil ones included; and trees compared file by file.
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { END_OF_ARCHIVE, encodeEntry, fromText, paddingOf, type TarEntry } from "../../src/archive/index.ts";
import { getXattr, listXattrs } from "../../src/linux/xattr.ts";

export type Ingredient = Partial<Omit<TarEntry, "size">> & { name: string; content?: string | Uint8Array };

/** An archive of these entries; what is not said is root's file of mode 0644 from 2020. */
export function archiveOf(...ingredients: Ingredient[]): Buffer {
  return Buffer.concat([...ingredients.map(encodeIngredient), END_OF_ARCHIVE]);
}

export function encodeIngredient({ content = "", ...given }: Ingredient): Buffer {
  const data = Buffer.from(content as Uint8Array);
  const type = given.type ?? (given.name.endsWith("/") ? "directory" : "file");
  const header = encodeEntry({
    mode: type === "directory" ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    modified: { seconds: 1_577_836_800, nanoseconds: 0 },
    major: 0,
    minor: 0,
    ...given,
    type,
    name: fromText(given.name),
    linkName: fromText(given.linkName ?? ""),
    size: data.length,
  });
  return Buffer.concat([header, data, Buffer.alloc(paddingOf(data.length))]);
}

/** What can be told of each file of a tree, by its path; files that are one inode have its first path as `same`. */
export function describeTree(root: string, options: { rootItself?: boolean } = {}): Record<string, object> {
  const described: Record<string, object> = {};
  const inodes = new Map<bigint, string>();
  const visit = (path: string): void => {
    const full = join(root, path);
    const facts = lstatSync(full, { bigint: true });
    if (path !== "" || options.rootItself) described[path || "."] = describe(full, facts, inodes, path);
    if (!facts.isDirectory()) return;
    for (const name of readdirSync(full).sort()) visit(path ? `${path}/${name}` : name);
  };
  visit("");
  return described;
}

function describe(full: string, facts: BigIntStats, inodes: Map<bigint, string>, path: string): object {
  const same = facts.isDirectory() ? undefined : inodes.get(facts.ino);
  if (!same) inodes.set(facts.ino, path);
  const attributes = listXattrs(full).sort();
  return {
    mode: Number(facts.mode).toString(8),
    owner: `${facts.uid}:${facts.gid}`,
    modified: facts.mtimeNs,
    ...(facts.isCharacterDevice() || facts.isBlockDevice() ? { device: facts.rdev } : {}),
    ...(facts.isFile() ? { content: Bun.hash(readFileSync(full)) } : {}),
    ...(facts.isSymbolicLink() ? { target: readlinkSync(full) } : {}),
    ...(same ? { same } : {}),
    ...(attributes.length > 0
      ? { xattrs: attributes.map((name) => [name, Buffer.from(getXattr(full, name) ?? []).toString("hex")]) }
      : {}),
  };
}
