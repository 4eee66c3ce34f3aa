// The folders of a build (its context, the Dockerfile's, named contexts), of which the daemon gets what it asks for.
import {
  FILE_SYNC_PATH,
  fileSyncHandler,
  openTree,
  resetOwner,
  type SyncedFolder,
} from "../../../buildkit/file-sync/index.ts";
import { FILE_SYNC } from "./methods.ts";
import type { SessionService } from "./session.ts";

/** `folders`: paths by the names under which the daemon asks for them. Throws for what is no folder. */
export function foldersService(folders: Record<string, string>): SessionService {
  const open = new Map<string, SyncedFolder>();
  for (const [name, path] of Object.entries(folders))
    open.set(name, { tree: openTree(path), map: resetOwner });
  return { methods: FILE_SYNC, framed: { [FILE_SYNC_PATH]: fileSyncHandler((name) => open.get(name)) } };
}
