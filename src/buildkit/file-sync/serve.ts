// The client's end of file sync: serves the folders of a build to the daemon that asks for them.
import { notFound } from "../../base/errors.ts";
import type { FramedHandler } from "../calls/index.ts";
import type { FileStat } from "./file-stat.ts";
import { decodeSyncRequest } from "./request.ts";
import { sendTree } from "./send.ts";
import type { TreeSource } from "./tree-source.ts";

/** For `serveGrpc`'s framed calls, and for `callFramed`. */
export const FILE_SYNC_PATH = "/moby.filesync.v1.FileSync/DiffCopy";
export const FILE_SEND_PATH = "/moby.filesync.v1.FileSend/DiffCopy";

export interface SyncedFolder {
  tree: TreeSource;
  /** `resetOwner` for a build's folders. */
  map?: (stat: FileStat) => void;
}

/** @param folders by the names under which the daemon asks for them */
export function fileSyncHandler(
  folders: (name: string) => SyncedFolder | undefined,
  onProgress?: (name: string, bytes: number) => void,
): FramedHandler {
  return async (stream) => {
    const request = decodeSyncRequest(stream.headers);
    const folder = folders(request.name);
    if (!folder) throw notFound(`no access allowed to dir ${JSON.stringify(request.name)}`);
    await sendTree(stream, folder.tree, {
      ...request,
      map: folder.map,
      signal: stream.signal,
      onProgress: onProgress && ((bytes) => onProgress(request.name, bytes)),
    });
  };
}
