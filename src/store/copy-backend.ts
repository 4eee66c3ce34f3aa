// Layers stacked by copying, where overlay can't be mounted: every snapshot has all of its files.
//
// Finished layers never change, so a layer shares its parent's files by hard links; only an active snapshot is a copy.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemError } from "../base/errors.ts";
import { failedWith } from "../linux/errors.ts";
import { filesOf, type HiddenPaths, hiddenOf, type SnapshotBackend } from "./backend.ts";
import { settleImplied } from "./implied-folders.ts";
import { mergeParent } from "./merge-parent.ts";

/** `folder` is snapshots/. */
export function copyBackend(folder: string): SnapshotBackend {
  return {
    name: "copy",
    async finishLayer(id, parents, implied) {
      const [parent] = parents;
      if (!parent) return;
      const own = join(folder, filesOf(id));
      const below = join(folder, filesOf(parent));
      const moved = settleImplied(own, below, implied);
      const { whiteouts, opaque } = readHidden(join(folder, hiddenOf(id)));
      mergeParent(own, below, { whiteouts: whiteouts.map(moved), opaque: opaque.map(moved) });
    },
    async prepareActive(id, parents) {
      const [parent] = parents;
      if (!parent) return;
      const paths = [join(folder, filesOf(parent)), join(folder, filesOf(id))];
      const copy = Bun.spawn(["cp", "-aT", "--reflink=auto", "--", ...paths], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      const [code, message] = await Promise.all([copy.exited, copy.stderr.text()]);
      if (code !== 0) throw systemError(`copying snapshot ${parent}: ${message.trim()}`);
    },
    mountOf: (id, _parents, readOnly) => ({ type: "bind", source: join(folder, filesOf(id)), readOnly }),
  };
}

function readHidden(path: string): HiddenPaths {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as HiddenPaths;
  } catch (thrown) {
    if (!failedWith(thrown, "ENOENT")) throw thrown;
    return { whiteouts: [], opaque: [] };
  }
}
