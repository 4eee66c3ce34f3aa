// Host paths of a container's mounts, right before its start, and what the bundle says of them.
import { fstatSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { chown, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { invalid, messageOf, notFound, systemError } from "../base/errors.ts";
import { errnoText } from "../linux/errors.ts";
import { close, KernelError, O } from "../linux/ffi.ts";
import { openIn, RESOLVE, withFolder } from "../linux/files.ts";
import { bindMount, listMounts, mountsBelow, unmount } from "../linux/mount.ts";
import { inheritedOptions, propagates } from "../runtime/index.ts";
import type { BundleInput } from "../runtime/types.ts";
import { mountSnapshot, unmountSnapshot } from "../store/index.ts";
import type { RealisedMount, ResolvedMount } from "./types.ts";

/** Makes the source of a bind when that is asked for (mode 0755, the container's root as owner), else refuses. */
export async function realiseBind(
  mount: ResolvedMount,
  owner: { uid: number; gid: number },
): Promise<RealisedMount> {
  const there = await stat(mount.source).catch(() => undefined);
  if (!there && !mount.createSource)
    throw invalid(`invalid mount config for type "bind": bind source path does not exist: ${mount.source}`);
  if (!there) await makeFolders(mount.source, owner);
  const isFile = there && !there.isDirectory();
  return { mount: await withoutVainPropagation(mount), hostPath: mount.source, ...(isFile && { isFile }) };
}

async function makeFolders(path: string, owner: { uid: number; gid: number }): Promise<void> {
  try {
    const first = await mkdir(path, { recursive: true, mode: 0o755 });
    if (first && (owner.uid !== 0 || owner.gid !== 0)) await giveAway(first, path, owner);
  } catch (error) {
    throw systemError(
      `error while creating mount source path '${path}': mkdir ${path}: ${reasonOf(error)}`,
      error,
    );
  }
}

/** The kernel's words. */
const reasonOf = (error: unknown): string => {
  const { errno } = error as NodeJS.ErrnoException;
  return errno === undefined ? messageOf(error) : errnoText(Math.abs(errno));
};

async function giveAway(from: string, to: string, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  let folder = from;
  await chown(folder, uid, gid);
  for (const part of to.slice(from.length).split("/").filter(Boolean)) {
    folder = join(folder, part);
    await chown(folder, uid, gid);
  }
}

/** rslave was our choice, for the data root's sake: it needs a host mount that propagates, as most are. */
async function withoutVainPropagation(mount: ResolvedMount): Promise<ResolvedMount> {
  if (!mount.chosenPropagation) return mount;
  return (await propagates(mount.source)) ? mount : { ...mount, propagation: "rprivate" };
}

/**
 * A volume's folder, or what lies at a subpath in it. Other containers may move links around in there at any time, so a
 * subpath is opened once, inside the volume (openat2(2) RESOLVE_BENEATH), and what was opened is mounted at a place of
 * ours below `scratch` until the runtime has bound it: a descriptor alone can't be bound from another mount namespace.
 */
export function realiseVolume(mount: ResolvedMount, folder: string, scratch: string): RealisedMount {
  const { subpath } = mount;
  if (!subpath) return { mount, hostPath: folder };
  const fd = openSubpath(folder, subpath);
  try {
    const isFile = !fstatSync(fd).isDirectory();
    const place = mkdtempSync(join(scratch, "s-"));
    const target = join(place, "it");
    if (isFile) writeFileSync(target, "");
    else mkdirSync(target);
    bindMount(`/proc/self/fd/${fd}`, target);
    const end = () => {
      unmount(target);
      rmSync(place, { recursive: true, force: true });
    };
    return { mount, hostPath: target, close: end, ...(isFile && { isFile }) };
  } finally {
    close(fd);
  }
}

/** An image's files, mounted read-only at a place of ours below `scratch` until the runtime has bound them. */
export function realiseImage(
  mount: ResolvedMount,
  store: Parameters<typeof mountSnapshot>[0],
  scratch: string,
): RealisedMount {
  const place = mkdtempSync(join(scratch, "i-"));
  const files = join(place, "files");
  mkdirSync(files);
  const end = () => {
    unmountSnapshot(files);
    // Never with what is in it: were it still mounted, that would be the image's.
    rmdirSync(files);
    rmdirSync(place);
  };
  try {
    const { snapshot } = mount.image ?? {};
    if (snapshot) mountSnapshot(store, snapshot, files);
    const realised = realiseVolume(mount, files, scratch);
    return {
      ...realised,
      close: () => {
        realised.close?.();
        end();
      },
    };
  } catch (error) {
    end();
    throw error;
  }
}

function openSubpath(folder: string, subpath: string): number {
  try {
    return withFolder(folder, (root) => openIn(root, subpath, O.PATH, RESOLVE.BENEATH));
  } catch (error) {
    // EXDEV: a link or ".." leads out of the volume (openat2(2), RESOLVE_BENEATH).
    if (error instanceof KernelError && error.code === "EXDEV")
      throw invalid(
        `path concatenation escapes the base directory, base: ${folder}, subpath: ${subpath}`,
        error,
      );
    if (error instanceof KernelError) {
      const refuse = error.code === "ENOENT" ? notFound : invalid;
      throw refuse(accessProblem(join(folder, subpath), error), error);
    }
    throw error;
  }
}

/** Takes away what a killed daemon left mounted for containers that it was starting. */
export function clearScratch(scratch: string): void {
  for (const { target } of mountsBelow(scratch)) unmount(target);
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
}

/** Docker's words, with what the kernel said. */
const accessProblem = (path: string, error: KernelError): string =>
  `cannot access path ${path}: lstat ${path}: ${error.message.split(": ").at(-1)}`;

/** Looks up what each bind has to repeat of the mount its source is on. */
export async function withInheritedOptions(realised: RealisedMount[]): Promise<RealisedMount[]> {
  if (realised.every(({ mount }) => mount.type === "tmpfs")) return realised;
  const mounts = listMounts();
  return Promise.all(
    realised.map(async (each) => {
      if (each.mount.type === "tmpfs") return each;
      const inherited = await inheritedOptions(each.hostPath, mounts);
      return inherited.length > 0 ? { ...each, inherited } : each;
    }),
  );
}

/** What the bundle says: `ro` for all below too where the kernel can (rro), propagation for binds. */
export function toBundleMounts(
  realised: RealisedMount[],
  tmpfs: Record<string, string>,
  recursiveReadOnly: boolean,
): BundleInput["mounts"] {
  const list = realised.map(({ mount, hostPath, isFile = false, inherited = [] }) => ({
    destination: mount.destination,
    source: mount.type === "tmpfs" ? "tmpfs" : hostPath,
    type: mount.type === "tmpfs" ? ("tmpfs" as const) : ("bind" as const),
    options:
      mount.type === "tmpfs"
        ? (mount.tmpfsOptions ?? [])
        : bindOptions(mount, recursiveReadOnly, isFile, inherited),
  }));
  const more = Object.entries(tmpfs).map(([destination, options]) => ({
    destination,
    source: "tmpfs",
    type: "tmpfs" as const,
    options: options === "" ? [] : options.split(","),
  }));
  const taken = new Set(more.map(({ destination }) => destination));
  return [...list.filter(({ destination }) => !taken.has(destination)), ...more].sort((a, b) =>
    a.destination < b.destination ? -1 : 1,
  );
}

function bindOptions(
  mount: ResolvedMount,
  recursiveReadOnly: boolean,
  isFile: boolean,
  inherited: string[],
): string[] {
  if (mount.readOnlyForceRecursive && !recursiveReadOnly)
    throw invalid("recursive read-only mounts need Linux 5.12 or later");
  // Nothing is mounted below a file, and crun 1.8 can't do rro on one ("Not a directory").
  const readOnly = recursiveReadOnly && !mount.readOnlyNonRecursive && !isFile ? "rro" : "ro";
  return [
    mount.nonRecursive ? "bind" : "rbind",
    ...inherited.filter((option) => option !== "ro" || !mount.readOnly),
    ...(mount.readOnly ? [readOnly] : []),
    ...(mount.propagation ? [mount.propagation] : []),
  ];
}
