// Where a container has its folders.
import { join } from "node:path";
import type { HostEnvironment } from "../base/environment.ts";

type Paths = Pick<HostEnvironment, "paths">;

/** What lasts: hosts, hostname, resolv.conf, the log. */
export const containerFolders = ({ paths }: Paths) => join(paths.dataRoot, "containers");
export const containerFolder = (environment: Paths, id: string) => join(containerFolders(environment), id);

/** What ends with the boot: config.json, and the shim's own. */
export const bundleFolders = ({ paths }: Paths) => join(paths.execRoot, "containers");
export const bundleFolder = (environment: Paths, id: string) => join(bundleFolders(environment), id);

/** Where root file systems are mounted while their containers run. */
export const rootfsFolders = ({ paths }: Paths) => join(paths.execRoot, "rootfs");
export const rootfsFolder = (environment: Paths, id: string) => join(rootfsFolders(environment), id);

/** The /dev/shm of a container that shares it (`--ipc shareable`). */
export const shmFolders = ({ paths }: Paths) => join(paths.execRoot, "shm");
export const shmFolder = (environment: Paths, id: string) => join(shmFolders(environment), id);
