// What volumes are on disk: their size, and the image's content copied into a new one.
import { chmod, chown, lstat, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { systemError } from "../base/errors.ts";

/** Bytes of all files below a folder; one with several names counts once. What vanishes meanwhile counts nothing. */
export async function sizeOf(folder: string): Promise<number> {
  const seen = new Set<string>();
  let total = 0;
  const waiting = [folder];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const entries = await readdir(at, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = join(at, entry.name);
      const stats = await lstat(path).catch(() => undefined);
      if (!stats) continue;
      if (stats.isDirectory()) waiting.push(path);
      else if (stats.nlink > 1) {
        const inode = `${stats.dev}:${stats.ino}`;
        if (seen.has(inode)) continue;
        seen.add(inode);
      }
      if (!stats.isDirectory()) total += stats.size;
    }
  }
  return total;
}

/** True when the folder is there and has nothing in it. */
export async function isEmpty(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [""])).length === 0;
}

/**
 * Makes an empty folder a copy of another: owners, modes, times, links, extended attributes. Copied beside it first and
 * renamed onto it at the end, so that a copy that was cut off never passes for a volume that is filled.
 */
export async function fillFrom(source: string, target: string): Promise<void> {
  if (await isEmpty(source)) {
    const { uid, gid, mode } = await stat(source);
    await chown(target, uid, gid);
    await chmod(target, mode & 0o7777);
    return;
  }
  const beside = `${target}.filling`;
  await rm(beside, { recursive: true, force: true });
  await mkdir(beside, { mode: 0o700 });
  try {
    await copyInto(source, beside);
    await rename(beside, target);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    throw error;
  }
}

/** Copies what is in a folder, and its own owner and mode, into one that is empty. What was copied before an error stays. */
export async function copyInto(source: string, target: string): Promise<void> {
  // cp of coreutils: copying trees with all their attributes is bulk work that the daemon's loop mustn't wait for.
  const copy = Bun.spawn(["cp", "--archive", "--no-target-directory", "--", source, target], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" },
  });
  const said = await new Response(copy.stderr).text();
  // A disk that is full is said of each file.
  if ((await copy.exited) !== 0) throw systemError(said.trim().split("\n")[0] ?? "");
}
