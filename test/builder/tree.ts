// File trees out of layers, and their lists: one line a file, which is what cases expect.
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { type TarEntry, TarReader, toText } from "../../src/archive/index.ts";

/** A file, shared by all of its hard links. */
interface Node
  extends Pick<TarEntry, "type" | "mode" | "uid" | "gid" | "linkName" | "major" | "minor" | "xattrs"> {
  seconds: number;
  data: Buffer;
}

/** By absolute path without a slash at its end; the root is "". */
export type Tree = Map<string, Node>;

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
/** Bytes of a text that a line shows itself. */
const SHOWN = 160;

/** The tree of some layers on another tree, lowest first; each an archive, packed or not. Whiteouts hide what is below. */
export function treeOf(layers: Uint8Array[], below: Tree = new Map()): Tree {
  const tree: Tree = new Map(below);
  for (const layer of layers) addLayer(tree, unpacked(layer));
  return tree;
}

/** The tree of one archive that is no layer: names like whiteouts' mean nothing. */
export function archiveTree(archive: Uint8Array): Tree {
  const tree: Tree = new Map();
  addLayer(tree, Buffer.from(archive), false);
  return tree;
}

function unpacked(layer: Uint8Array): Buffer {
  if (layer[0] === 0x1f && layer[1] === 0x8b) return gunzipSync(layer); // of several members, other than Bun's own
  if (layer[0] === 0x28 && layer[1] === 0xb5) return Buffer.from(Bun.zstdDecompressSync(layer));
  return Buffer.from(layer);
}

function addLayer(tree: Tree, archive: Buffer, whiteouts = true): void {
  const added = new Set<string>();
  let chunks: Buffer[] = [];
  let open: Node | undefined;
  const reader = new TarReader({
    entry(entry) {
      const path = pathOf(toText(entry.name));
      const name = path.slice(path.lastIndexOf("/") + 1);
      const parent = path.slice(0, path.lastIndexOf("/"));
      open = undefined;
      chunks = [];
      if (whiteouts && name === OPAQUE) hide(tree, added, parent, false);
      else if (whiteouts && name.startsWith(WHITEOUT))
        hide(tree, added, `${parent}/${name.slice(WHITEOUT.length)}`, true);
      else open = addEntry(tree, added, path, entry);
    },
    data(chunk) {
      chunks.push(Buffer.from(chunk));
    },
    end() {
      if (open) open.data = Buffer.concat(chunks);
    },
  });
  reader.push(archive);
  reader.finish();
}

const pathOf = (name: string): string => {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  return parts.map((part) => `/${part}`).join("");
};

function hide(tree: Tree, added: Set<string>, path: string, itself: boolean): void {
  for (const other of [...tree.keys()])
    if (!added.has(other) && (other.startsWith(`${path}/`) || (itself && other === path))) tree.delete(other);
}

function addEntry(tree: Tree, added: Set<string>, path: string, entry: TarEntry): Node | undefined {
  if (entry.type === "link") {
    const target = tree.get(pathOf(toText(entry.linkName)));
    if (!target) throw new Error(`${path}: a hard link to ${entry.linkName}, which isn't there`);
    tree.set(path, target);
    added.add(path);
    return undefined;
  }
  for (let at = path.indexOf("/", 1); at > 0; at = path.indexOf("/", at + 1)) {
    const parent = path.slice(0, at);
    if (!tree.has(parent)) tree.set(parent, { ...IMPLIED });
  }
  if (entry.type !== "directory" && tree.get(path)?.type === "directory") hide(tree, new Set(), path, true);
  const { type, mode, uid, gid, linkName, major, minor, xattrs, modified } = entry;
  const device = type === "character" || type === "block";
  const node: Node = {
    type,
    mode,
    uid,
    gid,
    linkName,
    major: device ? major : 0,
    minor: device ? minor : 0,
    ...(xattrs && { xattrs }),
    seconds: modified.seconds,
    data: Buffer.alloc(0),
  };
  tree.set(path, node);
  added.add(path);
  return node;
}

/** A folder that an archive leaves out. */
const IMPLIED: Node = {
  type: "directory",
  mode: 0o755,
  uid: 0,
  gid: 0,
  linkName: "",
  major: 0,
  minor: 0,
  seconds: 0,
  data: Buffer.alloc(0),
};

/** The tree's list, ordered by path. Times are those of all but folders: a folder's are whatever was last made in it. */
export function listOf(tree: Tree, { times = false } = {}): string[] {
  const first = new Map<Node, string>();
  const lines: string[] = [];
  for (const path of [...tree.keys()].sort()) {
    const node = tree.get(path)!;
    const same = first.get(node);
    if (!same) first.set(node, path);
    lines.push(`${path || "/"} ${same ? `same as ${same}` : described(node, times)}`);
  }
  return lines;
}

/** What a tree has beyond a base's: lines that are new or different, and `PATH removed` for what is gone. */
export function changes(base: string[], list: string[]): string[] {
  const known = new Set(base);
  const path = (line: string) => line.slice(0, line.indexOf(" "));
  const there = new Set(list.map(path));
  const gone = new Set(base.map(path).filter((each) => !there.has(each)));
  const removed = [...gone].filter((each) => !gone.has(each.slice(0, each.lastIndexOf("/"))));
  return [...list.filter((line) => !known.has(line)), ...removed.map((each) => `${each} removed`)].sort();
}

function described(node: Node, times: boolean): string {
  const { type, xattrs } = node;
  const kind = type === "directory" ? "folder" : type;
  const mode = type === "symlink" ? [] : [node.mode.toString(8).padStart(4, "0")];
  const time =
    times && type !== "directory" ? [new Date(node.seconds * 1000).toISOString().replace(".000", "")] : [];
  const attributes = [...(xattrs ?? [])]
    .sort()
    .map(([name, value]) => `${name}=${Buffer.from(value).toString("hex")}`);
  return [kind, ...mode, `${node.uid}:${node.gid}`, ...content(node), ...time, ...attributes].join(" ");
}

function content({ type, data, linkName, major, minor }: Node): string[] {
  if (type === "symlink") return [`-> ${toText(linkName)}`];
  if (type === "character" || type === "block") return [`${major}:${minor}`];
  return type === "file" ? [shownData(data)] : [];
}

/** A text, where it's short and can be read; size and digest otherwise. */
export function shownData(data: Buffer): string {
  const text = data.length <= SHOWN ? data.toString() : "";
  const shown = Buffer.from(text).equals(data) && !/[^\P{Cc}\t\n\r]/u.test(text);
  if (shown) return `'${text.replaceAll("\n", "↵").replaceAll("\t", "⇥").replaceAll("\r", "␍")}'`;
  return `${data.length} bytes sha256:${createHash("sha256").update(data).digest("hex").slice(0, 16)}`;
}
