// Trees that file actions begin with and end in, as lists.
import {
  chmodSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** The time of a source's files. */
export const OLD = new Date("2001-02-03T04:05:06Z");

/** Makes files of a tree: a name with a slash at its end is a folder, `-> x` as content a link. */
export function fill(root: string, files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(join(path, ".."), { recursive: true });
    if (name.endsWith("/")) mkdirSync(path, { recursive: true });
    else if (content.startsWith("-> ")) symlinkSync(content.slice(3), path);
    else writeFileSync(path, content);
  }
}

/** Each path with its mode, owner, number of links (of files), and `old` where its time is the source's. */
export function list(root: string): string[] {
  const lines: string[] = [];
  const visit = (path: string): void => {
    for (const name of readdirSync(join(root, path)).sort()) {
      const at = path ? `${path}/${name}` : name;
      const facts = lstatSync(join(root, at));
      const words = [at, (facts.mode & 0o7777).toString(8), `${facts.uid}:${facts.gid}`];
      if (facts.isSymbolicLink()) words.splice(1, 1, `-> ${readlinkSync(join(root, at))}`);
      if (facts.isFile()) words.push(`${facts.nlink} ${readFileSync(join(root, at), "utf8")}`);
      if (facts.mtimeMs === OLD.getTime()) words.push("old");
      lines.push(words.join(" "));
      if (facts.isDirectory()) visit(at);
    }
  };
  visit("");
  return lines;
}

/** The tree that Docker was given. */
export function fillSource(source: string): void {
  fill(source, { "dir/a": "a", "dir/sub/b": "b", "dir/link": "-> a", f: "f" });
  linkSync(join(source, "dir/a"), join(source, "dir/hard"));
  chmodSync(join(source, "dir/a"), 0o640);
  for (const name of ["dir/link", "dir/sub/b", "dir/a", "dir/sub", "dir", "f"])
    lutimesSync(join(source, name), OLD, OLD);
}

/** COPY as the Dockerfile frontend has it. */
export const COPY = {
  type: "copy",
  from: 0,
  followSymlink: true,
  directoryContents: true,
  createDestination: true,
  allowWildcard: true,
  allowEmptyWildcard: true,
} as const;
