// Brings into a layer's folder what it has from its parent: the copy backend's stacking.
//
// Neither tree changes meanwhile and each step was seen by lstat(2) to be a folder, so joined paths follow no link.
import { closeSync, fstatSync, linkSync, lstatSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { failedWith } from "../linux/errors.ts";
import { O } from "../linux/ffi.ts";
import type { HiddenPaths } from "./backend.ts";
import { copyFacts, restoreTimes } from "./folder-facts.ts";

/** Links the parent's files into the layer, except what the layer has or hides itself. */
export function mergeParent(own: string, parent: string, hidden: HiddenPaths): void {
  const whiteouts = new Set(hidden.whiteouts);
  const opaque = new Set(hidden.opaque);

  const walk = (path: string, isNew: boolean): void => {
    if (opaque.has(path) && !isNew) return;
    const [ownFolder, parentFolder] = [place(own, path), place(parent, path)];
    const fd = openSync(ownFolder, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
    const before = fstatSync(fd, { bigint: true });
    try {
      for (const entry of readdirSync(parentFolder, { encoding: "buffer" })) {
        const name = path ? `${path}/${entry.toString("latin1")}` : entry.toString("latin1");
        if (whiteouts.has(name)) continue;
        const theirs = lstatSync(place(parent, name));
        const ours = isNew ? undefined : lstatOrNothing(place(own, name));
        if (ours?.isDirectory() && theirs.isDirectory()) walk(name, false);
        else if (ours) continue;
        else if (theirs.isDirectory()) {
          mkdirSync(place(own, name));
          walk(name, true);
        } else linkSync(place(parent, name), place(own, name));
      }
      if (!isNew) restoreTimes(fd, before);
      else copyFactsFrom(parentFolder, fd);
    } finally {
      closeSync(fd);
    }
  };
  walk("", false);
}

function copyFactsFrom(folder: Buffer, to: number): void {
  const from = openSync(folder, O.RDONLY | O.DIRECTORY | O.NOFOLLOW);
  try {
    copyFacts(from, to);
  } finally {
    closeSync(from);
  }
}

function lstatOrNothing(path: Buffer) {
  try {
    return lstatSync(path);
  } catch (thrown) {
    if (failedWith(thrown, "ENOENT")) return undefined;
    throw thrown;
  }
}

/** Names are bytes; a path is a byte string until the kernel gets it. */
const place = (root: string, path: string): Buffer =>
  Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, "latin1")]);
