// Who the files of an action will belong to: numbers, or names in a tree's /etc/passwd and /etc/group.
import { fstatSync, readFileSync } from "node:fs";
import { systemError } from "../../../base/errors.ts";
import { failedWith } from "../../../linux/errors.ts";
import { close, O } from "../../../linux/ffi.ts";
import { openIn, RESOLVE } from "../../../linux/files.ts";
import type { FileRoot, Owner, OwnerName } from "../../file-action.ts";

export interface OwnerIds {
  uid: number;
  gid: number;
}

/** As BuildKit, so that a tree can't fill our memory. */
const FILE_LIMIT = 10 << 20;

/** `rootOf` gives a tree's folder. Errors: system, for a file of names that is none, or too large. */
export function resolveOwner(owner: Owner, rootOf: (root: FileRoot) => number): OwnerIds {
  const ids = { uid: 0, gid: 0 };
  const { user, group } = owner;
  if (user && "byId" in user) Object.assign(ids, { uid: user.byId, gid: user.byId });
  else if (user) {
    const found = lookUp(user, "/etc/passwd", rootOf);
    if (found) Object.assign(ids, { uid: numberAt(found, 2), gid: numberAt(found, 3) });
  }
  if (group && "byId" in group) ids.gid = group.byId;
  else if (group) {
    const found = lookUp(group, "/etc/group", rootOf);
    if (found) ids.gid = numberAt(found, 2);
  }
  return ids;
}

/** What is no number is taken for 0, as by the parser that Docker has. */
const numberAt = (fields: string[], at: number): number => {
  const text = fields[at] ?? "";
  return /^[0-9]+$/.test(text) ? Number(text) : 0;
};

function lookUp(
  name: Extract<OwnerName, { byName: string }>,
  path: string,
  rootOf: (root: FileRoot) => number,
): string[] | undefined {
  for (const line of readNames(rootOf(name.in), path).split("\n")) {
    const fields = line.trim().split(":");
    if (fields[0] === name.byName) return fields;
  }
  return undefined;
}

function readNames(root: number, path: string): string {
  let fd: number;
  try {
    fd = openIn(root, path, O.RDONLY | O.NONBLOCK | O.NOCTTY, RESOLVE.IN_ROOT);
  } catch (thrown) {
    if (failedWith(thrown, "ENOENT", "ENOTDIR")) return "";
    throw thrown;
  }
  try {
    const facts = fstatSync(fd);
    if (!facts.isFile()) throw systemError(`${path} is not a regular file`);
    if (facts.size > FILE_LIMIT) throw systemError(`${JSON.stringify(path)} exceeds ${FILE_LIMIT} bytes`);
    return readFileSync(fd, "utf8");
  } finally {
    close(fd);
  }
}
