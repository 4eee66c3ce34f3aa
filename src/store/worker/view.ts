// The job "view": makes a container's file system as its cp sees it, in this process's own mount namespace, and becomes
// the worker that reads or writes it, with fewer capabilities. Nothing of it is on the host: it ends with the process.
import { statSync } from "node:fs";
import { followFolder, partsOf } from "../../archive/index.ts";
import { replaceProcess } from "../../linux/exec.ts";
import { close, KernelError, O } from "../../linux/ffi.ts";
import { openFolder, openIn, RESOLVE } from "../../linux/files.ts";
import { openChild } from "../../linux/folder.ts";
import { attachMount, cloneMount, MOUNT_ATTR, restrictMount } from "../../linux/mount-tree.ts";
import { type InnerJob, innerCommand, WORKER_ENVIRONMENT } from "./confine.ts";

/** What of a container is seen: its root file system, and its volumes and binds in it. */
export interface TreeView {
  /** Where the root file system is mounted on the host. */
  root: string;
  readOnly: boolean;
  mounts: ViewMount[];
}

export interface ViewMount {
  /** A host path of ours or of the person who made the container. */
  source: string;
  /** Inside the container. */
  destination: string;
  readOnly: boolean;
  /** Mounts below the source are seen too. */
  recursive: boolean;
  /** With `readOnly`: those too. */
  readOnlyBelow: boolean;
}

/** Nothing is run and no device opened by way of it, whatever is in there. */
const HARMLESS = MOUNT_ATTR.NODEV | MOUNT_ATTR.NOSUID | MOUNT_ATTR.NOEXEC;

/** Makes the view on top of `view.root`, and goes on as `job`, whose root directory it will be. */
export function enterView(view: TreeView, job: InnerJob, args: string[]): never {
  const root = cloneMount(view.root);
  restrictMount(root, HARMLESS);
  const place = openFolder(view.root);
  attachMount(root, place, view.root);
  close(place);
  for (const mount of inOrder(view.mounts)) addMount(root, mount);
  // Last: a mount's missing destination is made, as Docker does.
  if (view.readOnly) restrictMount(root, HARMLESS | MOUNT_ATTR.RDONLY);
  return replaceProcess(innerCommand(job, view.root, ...args), WORKER_ENVIRONMENT);
}

const depth = ({ destination }: ViewMount): number => partsOf(destination).length;
const inOrder = (mounts: ViewMount[]) => [...mounts].sort((a, b) => depth(a) - depth(b));

/** The destination is opened inside the root, and mounted upon as what was opened: whoever moves links then is too late. */
function addMount(root: number, mount: ViewMount): void {
  const tree = cloneMount(mount.source, { recursive: mount.recursive });
  try {
    restrictMount(tree, HARMLESS, { recursive: mount.recursive });
    if (mount.readOnly)
      restrictMount(tree, HARMLESS | MOUNT_ATTR.RDONLY, {
        recursive: mount.recursive && mount.readOnlyBelow,
      });
    const place = openDestination(root, mount.destination, statSync(mount.source).isDirectory());
    try {
      attachMount(tree, place, mount.destination);
    } finally {
      close(place);
    }
  } finally {
    close(tree);
  }
}

function openDestination(root: number, destination: string, isFolder: boolean): number {
  try {
    return openIn(root, destination, O.PATH, RESOLVE.IN_ROOT);
  } catch (thrown) {
    if (!(thrown instanceof KernelError) || thrown.code !== "ENOENT") throw thrown;
  }
  const path = Buffer.from(destination).toString("latin1");
  if (isFolder) return followFolder(root, path, { missing: "make", above: "stay" });
  const names = partsOf(path);
  const base = names.pop() ?? ".";
  const folder = followFolder(root, names.join("/"), { missing: "make", above: "stay" });
  try {
    const made = openChild(folder, base, O.WRONLY | O.CREAT | O.EXCL, { mode: 0o755 });
    if (made >= 0) close(made);
    const place = openChild(folder, base, O.PATH);
    if (place < 0) throw new KernelError("open", -place, destination);
    return place;
  } finally {
    close(folder);
  }
}
