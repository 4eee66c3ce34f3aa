// `cp PATH CONTAINER:PATH`, and to a volume the same: an archive made here, or one from standard input, unpacked there.
import { isDevice, isFolder, isLink } from "../../sdk/index.ts";
import { standardInputBody } from "../archive-input.ts";
import { fail } from "../framework/failure.ts";
import type { Session } from "../session.ts";
import type { CopyRequest } from "./from-container.ts";
import { packLocal } from "./local-archive.ts";
import { type CopyEnd, linkTarget, localPath, sourceOf, splitPath } from "./paths.ts";
import { ownName, planCopy, renamed } from "./plan.ts";
import { showCopy } from "./progress.ts";

export async function copyToContainer(session: Session, request: CopyRequest): Promise<void> {
  const { container, copyUIDGID, files, kind } = request;
  const fromStream = request.source === "-";
  const sourcePath = fromStream ? "-" : localPath(request.source);
  const destination = await destinationIn(request);
  if (fromStream && !destination.isFolder)
    throw fail(`destination "${container}:${request.destination}" must be a directory`);
  const options = { noOverwriteDirNonDir: true, copyUIDGID };
  if (fromStream) {
    const progress = showCopy(`Copying to ${kind}`, session.err, request.quiet);
    try {
      await files.write(container, destination.path, standardInputBody(), options);
    } finally {
      await progress.end(`${container}:${destination.path}`);
    }
    return;
  }
  const source = sourceOf(sourcePath, request.followLink);
  const plan = planCopy(source, destination);
  const progress = showCopy(`Copying to ${kind}`, session.err, request.quiet);
  try {
    const own = ownName(source);
    const archive = packLocal({
      ...splitPath(source.path),
      name: plan.rename ? renamed(own, plan.rename) : own,
      unreadable: (path, error) => {
        void session.err.line(`cannot add ${path} to the archive: ${error.message}`);
      },
      progress: progress.add,
    });
    await files.write(container, plan.folder, archive, options);
  } finally {
    await progress.end(`${container}:${destination.path}`);
  }
}

/**
 * What the destination is, a link at its end followed. What can't be looked at may still be made: its folder is looked for
 * by the daemon.
 */
async function destinationIn({ container, destination, files }: CopyRequest): Promise<CopyEnd> {
  const look = (path: string) => files.stat(container, path).catch(() => undefined);
  let path = destination;
  let stat = await look(path);
  if (stat && isLink(stat)) {
    path = linkTarget(destination, stat.linkTarget);
    stat = await look(path);
  }
  if (!stat) return { path, exists: false, isFolder: false };
  if (isDevice(stat))
    throw fail(
      `destination "${container}:${destination}" must be a directory or a regular file: got a device`,
    );
  return { path, exists: true, isFolder: isFolder(stat) };
}
