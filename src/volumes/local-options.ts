// The options of the local volume driver: `type`, `device` and `o` say what is mounted at the volume's folder while a
// container that uses it runs, as mount(8) takes them; `size` is a quota, which no backend of ours has.
import { lookup } from "node:dns/promises";
import { existsSync, realpathSync } from "node:fs";
import { isIP, isIPv4 } from "node:net";
import { basename, dirname, join } from "node:path";
import { invalid, messageOf, systemError } from "../base/errors.ts";
import { MS, mount, mountsBelow, unmount } from "../linux/mount.ts";
import { mountApart } from "../store/index.ts";

type Options = Record<string, string>;

/** Refuses what can't be, in Docker's words. Errors: invalid. */
export function checkLocalOptions(options: Options): void {
  for (const option of Object.keys(options))
    if (!["type", "o", "device", "size"].includes(option))
      throw invalid(`invalid option: ${JSON.stringify(option)}`);
  const { type, device, o, size } = options;
  if (type === "cifs" && device && /^(?:[a-z]+:)?\/\/[^/]*:[^/]+(?:\/|$)/.test(device))
    throw invalid("port not allowed in CIFS device URL, include 'port' in 'o='");
  if (size !== undefined) {
    const [, number] = /^(\d+(?:\.\d*)?) ?(?:[kmgtp]?i?b?)$/i.exec(size) ?? [];
    if (number === undefined) throw invalid(`invalid size: '${size}'`);
    if (Number(number) > 0) throw invalid("quota size requested but no quota support");
  }
  if (device === undefined && (type !== undefined || o !== undefined))
    throw invalid('missing required option: "device"');
  if (type === undefined && device !== undefined) throw invalid('missing required option: "type"');
}

/** Whether the volume is a mount rather than its folder. */
export const needsMount = ({ type = "", device = "" }: Options): boolean => type !== "" || device !== "";

/** Mounts it, unless it is mounted. Errors: what the kernel says, in Docker's words. */
export async function mountLocal(options: Options, target: string): Promise<void> {
  if (isMounted(target)) return;
  const { device: asked = "", type = "", o = "" } = options;
  if (asked === "") throw systemError("missing device in volume options");
  const { device, text } = await withAddress({ device: asked, type, text: o });
  const { flags, data } = parseMountOptions(text);
  try {
    if (NETWORK_TYPES.has(type)) await mountApart({ source: device, target, type, flags, data });
    else {
      mount(device, target, type, flags, data || null);
      // A bind mount takes no other flag at first (mount(2), "Creating a bind mount").
      if (flags & MS.BIND && flags & ~(MS.BIND | MS.REC))
        mount(device, target, type, flags | MS.REMOUNT, data || null);
    }
  } catch (error) {
    unmount(target);
    throw mountFailure(error, { device, target, flags, data });
  }
}

/** File systems of other hosts, which may be silent: mounted by a process of their own. */
const NETWORK_TYPES = new Set(["nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "glusterfs"]);

function mountFailure(
  error: unknown,
  { device, target, flags, data }: { device: string; target: string; flags: number; data: string },
): Error {
  const words = [
    `mount ${device}:${target}`,
    ...(flags ? [`flags: 0x${flags.toString(16)}`] : []),
    ...(data ? [`data: ${data.replace(/(^|,)password=[^,]*/, "$1password=********")}`] : []),
  ].join(", ");
  const reason = messageOf(error).split(": ").at(-1);
  return systemError(`failed to mount local volume: ${words}: ${reason}`, error);
}

/** The kernel takes addresses only: a name in `addr=`, or for cifs in the device, is looked up, as in Docker. */
async function withAddress(asked: {
  device: string;
  type: string;
  text: string;
}): Promise<{ device: string; text: string }> {
  const { device, type, text } = asked;
  if (type !== "nfs" && type !== "cifs") return asked;
  const word = text.split(",").find((one) => one.startsWith("addr="));
  const name = word?.slice("addr=".length);
  if (name) {
    if (isIPv4(name)) return asked;
    return { device, text: text.replace(`addr=${name}`, `addr=${await addressOf(name)}`) };
  }
  const [, before = "", host = ""] = /^((?:[a-z]+:)?\/\/)([^/]+)/.exec(device) ?? [];
  if (type !== "cifs" || host === "" || isIP(host)) return asked;
  return { device: before + (await addressOf(host)) + device.slice(before.length + host.length), text };
}

async function addressOf(name: string): Promise<string> {
  try {
    return (await lookup(name)).address;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOTFOUND";
    const why = missing ? "no such host" : messageOf(error);
    throw systemError(`error resolving passed in network volume address: lookup ${name}: ${why}`, error);
  }
}

/**
 * Takes away what is mounted there, until it is the folder itself. Errors: system, when something stays, so that nobody
 * removes another file system's files with the folder.
 */
export function unmountLocal(target: string): void {
  if (!existsSync(dirname(target))) return;
  while (unmount(target)) {
    // Somebody may have mounted over it by hand.
  }
  if (isMounted(target)) throw systemError(`${target} is still mounted`);
}

/** The mount table has paths without links. What is mounted there is not asked: its server may be silent. */
function isMounted(target: string): boolean {
  const path = join(realpathSync(dirname(target)), basename(target));
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
