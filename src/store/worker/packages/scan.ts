// The job "scan-packages": what the files of a view say is installed, by the databases and files of those who install.
import { closeSync, fstatSync, readSync } from "node:fs";
import { MODE, openTree, walkTree } from "../../../buildkit/file-sync/index.ts";
import { O } from "../../../linux/ffi.ts";
import { attempt, enterRoot } from "../../../linux/files.ts";
import { readApk, readDpkg, readOsRelease } from "./databases.ts";
import { readGo, readNpm, readPython } from "./languages.ts";
import type { FoundPackage, FoundPackages } from "./types.ts";

export type { FoundPackage, FoundPackages };

/** A database is bigger than a package's own file; a program's build information is near the beginning of its data. */
const DATABASE_LIMIT = 64 << 20;
const METADATA_LIMIT = 1 << 20;
const PROGRAM_LIMIT = 256 << 20;
const ELF = Buffer.from("\x7fELF", "latin1");

/** Packages in the order of where they were found. */
export function scanPackages(root: string): FoundPackages {
  enterRoot(root);
  const found: FoundPackages = { system: undefined, packages: [], unread: [] };
  for (const stat of walkTree(openTree("/"), {})) {
    const isFile =
      stat && (stat.mode & (MODE.directory | MODE.symlink | MODE.device | MODE.fifo | MODE.socket)) === 0;
    if (isFile) look(stat.path, stat.mode, stat.size, found);
  }
  found.system = systemOf();
  return found;
}

function look(path: string, mode: number, size: number, { packages, unread }: FoundPackages): void {
  const add = (one: FoundPackage | undefined) => one && packages.push(one);
  const shown = Buffer.from(path, "latin1").toString();
  if (path === "var/lib/dpkg/status" || /^var\/lib\/dpkg\/status\.d\/[^/]+$/.test(path)) {
    if (!path.endsWith(".md5sums")) packages.push(...readDpkg(text(path, DATABASE_LIMIT), shown));
  } else if (path === "lib/apk/db/installed" || path === "usr/lib/apk/db/installed")
    packages.push(...readApk(text(path, DATABASE_LIMIT), shown));
  else if (/^(?:var\/lib|usr\/lib\/sysimage)\/rpm\/(?:Packages(?:\.db)?|rpmdb\.sqlite)$/.test(path)) {
    if (!unread.includes("rpm")) unread.push("rpm");
  } else if (/(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@.][^/]*\/package\.json$/.test(path))
    add(readNpm(text(path, METADATA_LIMIT), shown));
  else if (/\.(?:dist-info\/METADATA|egg-info\/PKG-INFO|egg-info)$/.test(path))
    add(readPython(text(path, METADATA_LIMIT), shown));
  else if ((mode & 0o111) !== 0 && size > 100_000 && size <= PROGRAM_LIMIT && isProgram(path))
    packages.push(...readGo(bytesOf(path, PROGRAM_LIMIT), shown));
}

/** /etc/os-release is a link in most systems. */
function systemOf(): FoundPackages["system"] {
  for (const path of ["etc/os-release", "usr/lib/os-release"]) {
    const read = text(path, METADATA_LIMIT, true);
    if (read) return readOsRelease(read);
  }
  return undefined;
}

const text = (path: string, limit: number, follow = false): string =>
  bytesOf(path, limit, follow).toString("utf8");

/** Nothing for what can't be read. This process's root directory is the tree: a link leads nowhere else. */
function bytesOf(path: string, limit: number, follow = false): Buffer {
  const fd = open(path, follow);
  if (fd < 0) return Buffer.alloc(0);
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, limit));
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(fd, bytes, length, bytes.length - length, null);
      if (count === 0) break;
      length += count;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

function isProgram(path: string): boolean {
  const fd = open(path, false);
  if (fd < 0) return false;
  try {
    const head = Buffer.alloc(ELF.length);
    readSync(fd, head, 0, head.length, 0);
    return head.equals(ELF);
  } finally {
    closeSync(fd);
  }
}

function open(path: string, follow: boolean): number {
  const flags = O.RDONLY | O.NONBLOCK | (follow ? 0 : O.NOFOLLOW);
  return attempt.open(Buffer.from(`/${path}\0`, "latin1"), flags, 0) ?? -1;
}
