// `cp CONTAINER:PATH PATH`, and of a volume the same: an archive of it, unpacked here or passed on.
import { type FileStore, isFolder, isLink } from "../../sdk/index.ts";
import type { Session } from "../session.ts";
import { unpackLocal } from "./local-archive.ts";
import { checkOutput, destinationOf, followedName, linkTarget, localPath } from "./paths.ts";
import { planCopy } from "./plan.ts";
import { showCopy } from "./progress.ts";

export interface CopyRequest {
  /** A container, or a volume. */
  container: string;
  /** Its files. */
  files: FileStore;
  /** What it is called in the progress. */
  kind: "container" | "volume";
  source: string;
  destination: string;
  followLink: boolean;
  copyUIDGID: boolean;
  quiet: boolean;
}

export async function copyFromContainer(session: Session, request: CopyRequest): Promise<void> {
  const { container, quiet, files } = request;
  const toStream = request.destination === "-";
  const destination = toStream ? "-" : localPath(request.destination);
  if (!toStream) checkOutput(destination);
  const wanted = request.followLink ? await followed(request) : { path: request.source };
  const { stat, archive } = await files.read(container, wanted.path);
  if (toStream) {
    for await (const chunk of archive) await session.out.write(chunk);
    return;
  }
  const progress = showCopy(`Copying from ${request.kind}`, session.err, quiet);
  try {
    const source = { ...wanted, exists: true, isFolder: isFolder(stat) };
    const plan = planCopy(source, destinationOf(destination));
    // A followed link's archive has the name of what it leads to; a plan that renames it says so already.
    const { rebaseName } = wanted;
    const rename = rebaseName ? { from: stat.name, to: plan.rename?.to ?? rebaseName } : plan.rename;
    await unpackLocal(counted(archive, progress.add), { folder: plan.folder, ...(rename && { rename }) });
  } finally {
    await archive.return(undefined);
    await progress.end(destination);
  }
}

/** The path that a link at the source's end leads to; what can't be looked at is asked for as it is, and refused then. */
async function followed({
  container,
  source,
  files,
}: CopyRequest): Promise<{ path: string; rebaseName?: string }> {
  const stat = await files.stat(container, source).catch(() => undefined);
  if (!stat || !isLink(stat)) return { path: source };
  return followedName(source, linkTarget(source, stat.linkTarget));
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  add: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    add(chunk.length);
    yield chunk;
  }
}
