// Takes a tree of files away, whatever is in it.
import { rm } from "node:fs/promises";

/** Removes a folder and all below it, off the event loop; fine when it isn't there. Never follows a link. */
export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}
