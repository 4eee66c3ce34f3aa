// The driver `local`: a volume is a folder, ROOT/NAME/_data, and with options what they mount there while somebody uses it.
import { chown, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { VolumeDriver } from "./driver.ts";
import { checkLocalOptions, mountLocal, needsMount, unmountLocal } from "./local-options.ts";
import { checkVolumeName } from "./names.ts";

/** `owner`: whose a new volume is. */
export function localDriver(root: string, owner: { uid: number; gid: number }): VolumeDriver & LocalFolders {
  const folder = (name: string) => join(root, name);
  const mountpoint = (name: string) => join(root, name, "_data");
  async function makeFolder(name: string): Promise<void> {
    await mkdir(folder(name), { recursive: true, mode: 0o701 });
    const made = await mkdir(mountpoint(name), { recursive: true, mode: 0o755 });
    if (made && (owner.uid !== 0 || owner.gid !== 0)) await chown(mountpoint(name), owner.uid, owner.gid);
  }
  return {
    name: "local",
    folder,
    mountpoint,
    makeFolder,
    scope: async () => "local",
    async create(name, options) {
      checkVolumeName(name);
      checkLocalOptions(options ?? {});
      await makeFolder(name);
    },
    async remove({ id }) {
      unmountLocal(mountpoint(id)); // Whoever mounted there: no other file system's files go with the folder
      await rm(folder(id), { recursive: true, force: true });
    },
    async mount({ id, options }) {
      await makeFolder(id); // Somebody may have removed it by hand
      if (needsMount(options ?? {})) await mountLocal(options ?? {}, mountpoint(id));
      return mountpoint(id);
    },
    async unmount({ id, options }, _user, last) {
      if (last && needsMount(options ?? {})) unmountLocal(mountpoint(id));
    },
    get: async (name) => ({ name, mountpoint: mountpoint(name) }),
    list: async () => [],
  };
}

export interface LocalFolders {
  folder(name: string): string;
  mountpoint(name: string): string;
  /** What is missing of a volume's folders. */
  makeFolder(name: string): Promise<void>;
}
