// The options of the local volume driver: `type`, `device` and `o` say what is mounted at the volume's folder while a
// container that uses it runs, as mount(8) takes them; `size` is a quota, which no backend of ours has.
import { existsSync, realpathSync } from "node:fs";
import { invalid, notImplemented, systemError } from "../base/errors.ts";
import { KernelError } from "../linux/errors.ts";
import { MS, mount, mountsBelow, unmount } from "../linux/mount.ts";

type Options = Record<string, string>;

/** Refuses what can't be, in Docker's words. Errors: invalid; not-implemented for file systems of the network. */
export function checkLocalOptions(name: string, options: Options): void {
  for (const option of Object.keys(options))
    if (!["type", "o", "device", "size"].includes(option))
      throw invalid(`create ${name}: invalid option: ${JSON.stringify(option)}`);
  const { size } = options;
  if (size !== undefined) {
    const [, number] = /^(\d+(?:\.\d*)?) ?(?:[kmgtp]?i?b?)$/i.exec(size) ?? [];
    if (number === undefined) throw invalid(`create ${name}: invalid size: '${size}'`);
    if (Number(number) > 0) throw invalid(`create ${name}: quota size requested but no quota support`);
  }
  const { type, device, o } = options;
  if (device === undefined && (type !== undefined || o !== undefined))
    throw invalid(`create ${name}: missing required option: "device"`);
  if (type === undefined && device !== undefined)
    throw invalid(`create ${name}: missing required option: "type"`);
  if (type === "nfs" || type === "nfs4" || type === "cifs")
    throw notImplemented(`create ${name}: volumes of type ${type} are not implemented`);
}

/** Whether the volume is a mount rather than its folder. */
export const needsMount = ({ type = "", device = "" }: Options): boolean => type !== "" || device !== "";

/** Mounts it, unless it is mounted. Errors: what the kernel says, in Docker's words. */
export function mountLocal(options: Options, target: string): void {
  if (isMounted(target)) return;
  const { device = "", type = "" } = options;
  if (device === "")
    throw systemError(`error while mounting volume '${target}': missing device in volume options`);
  const { flags, data } = parseMountOptions(options.o ?? "");
  try {
    mount(device, target, type, flags, data || null);
    // A bind mount takes no other flag at first (mount(2), "Creating a bind mount").
    if (flags & MS.BIND && flags & ~(MS.BIND | MS.REC))
      mount(device, target, type, flags | MS.REMOUNT, data || null);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    unmount(target);
    const words = [
      `mount ${device}:${target}`,
      ...(flags ? [`flags: 0x${flags.toString(16)}`] : []),
      ...(data ? [`data: ${data}`] : []),
    ].join(", ");
    const reason = error.message.split(": ").at(-1);
    throw systemError(
      `error while mounting volume '${target}': failed to mount local volume: ${words}: ${reason}`,
      error,
    );
  }
}

/**
 * Takes away what is mounted there, until it is the folder itself. Errors: system, when something stays, so that nobody
 * removes another file system's files with the folder.
 */
export function unmountLocal(target: string): void {
  if (!existsSync(target)) return;
  while (unmount(target)) {
    // Somebody may have mounted over it by hand.
  }
  if (isMounted(target)) throw systemError(`${target} is still mounted`);
}

/** The mount table has paths without links. */
function isMounted(target: string): boolean {
  const path = realpathSync(target);
  return mountsBelow(path).some((point) => point.target === path);
}

/** The words of mount(8) that are flags of mount(2); those with false take the flag away. */
const FLAGS: Record<string, [flag: number, on: boolean]> = {
  defaults: [0, true],
  ro: [MS.RDONLY, true],
  rw: [MS.RDONLY, false],
  nosuid: [MS.NOSUID, true],
  suid: [MS.NOSUID, false],
  nodev: [MS.NODEV, true],
  dev: [MS.NODEV, false],
  noexec: [MS.NOEXEC, true],
  exec: [MS.NOEXEC, false],
  sync: [MS.SYNCHRONOUS, true],
  async: [MS.SYNCHRONOUS, false],
  dirsync: [MS.DIRSYNC, true],
  noatime: [MS.NOATIME, true],
  atime: [MS.NOATIME, false],
  nodiratime: [MS.NODIRATIME, true],
  diratime: [MS.NODIRATIME, false],
  relatime: [MS.RELATIME, true],
  norelatime: [MS.RELATIME, false],
  strictatime: [MS.STRICTATIME, true],
  nostrictatime: [MS.STRICTATIME, false],
  bind: [MS.BIND, true],
  rbind: [MS.BIND | MS.REC, true],
};

/** Options as mount(8) writes them: flags, and what the file system itself reads. */
export function parseMountOptions(text: string): { flags: number; data: string } {
  let flags = 0;
  const data: string[] = [];
  for (const word of text.split(",").filter(Boolean)) {
    const known = Object.hasOwn(FLAGS, word) ? FLAGS[word] : undefined;
    if (!known) data.push(word);
    else flags = known[1] ? flags | known[0] : flags & ~known[0];
  }
  return { flags, data: data.join(",") };
}
