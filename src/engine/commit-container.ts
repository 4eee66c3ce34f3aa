// The use case "make an image of a container's changes" (`commit`). All that can be refused is refused before the container is
// paused. A daemon killed on the way leaves at most blobs that nothing names, and a container that its next start wakes.
import type { ContainerConfig } from "../api/types/index.ts";
import { conflict } from "../base/errors.ts";
import { KeyedLock } from "../base/keyed-lock.ts";
import { type ContainerRecord, holdForCommit } from "../containers/index.ts";
import { checkTagTarget, commitConfig } from "../images/index.ts";
import type { Digest } from "../oci/digest.ts";
import { familiar, parseReference } from "../oci/reference.ts";
import type { ImageRunConfig } from "../oci/types.ts";
import { packChanges } from "../store/index.ts";
import { rootfsFolder } from "./folders.ts";
import { useRootfs } from "./rootfs.ts";
import type { Engine } from "./types.ts";

export interface CommitRequest {
  /** Name and tag; without one the image stays untagged. */
  reference?: string;
  /** Instead of the container's own config, which fills its gaps. */
  config?: ContainerConfig;
  /** Dockerfile instructions. */
  changes: string[];
  author: string;
  comment: string;
  /** Whether a running container is paused meanwhile. */
  pause: boolean;
}

/** Two commits of one container follow each other: the first to end would wake it for the other. */
const turns = new KeyedLock();

/** Answers the image's id. Errors: not-found, invalid (name, changes), conflict (its removal has begun). */
export async function commitContainer(
  engine: Engine,
  reference: string,
  request: CommitRequest,
): Promise<Digest> {
  const { containers, images, store } = engine;
  const record = containers.find(reference);
  refuseRemoved(record);
  const name =
    request.reference === undefined ? undefined : checkTagTarget(parseReference(request.reference));
  const config = commitConfig(
    record.config as ImageRunConfig,
    request.config as ImageRunConfig | undefined,
    request.changes,
  );
  return await turns.run(record.id, async () => {
    await using _held = request.pause ? await holdForCommit(containers, record) : undefined;
    await using use = await useRootfs(engine, record.id);
    const image = await images.commit({
      ...(name && { name }),
      parent: { id: record.imageId, manifest: record.manifest },
      config,
      author: request.author,
      comment: request.comment,
      createdBy: (record.config.Cmd ?? []).join(" "),
      pack: () =>
        packChanges(store, {
          snapshot: record.snapshot,
          rootfs: rootfsFolder(engine.environment, record.id),
          signal: AbortSignal.any([use.signal, engine.closing]),
        }),
      check: () => use.signal.throwIfAborted(),
    });
    containers.emit(current(engine, record), "commit", {
      comment: request.comment,
      imageID: image,
      imageRef: name ? familiar(name) : "",
    });
    return image;
  });
}

const current = ({ containers }: Engine, { id }: ContainerRecord): ContainerRecord => containers.find(id);

function refuseRemoved({ id, state: { status } }: ContainerRecord): void {
  if (status === "dead") throw conflict(`You cannot commit container ${id} which is Dead`);
  if (status === "removing") throw conflict(`You cannot commit container ${id} which is being removed`);
}
