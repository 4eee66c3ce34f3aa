// DELETE /images/{name}: what is untagged, what is deleted and what stands in the way, as dockerd decides it
// (daemon/containerd/image_delete.go).
import { conflict, invalid, notImplemented } from "../base/errors.ts";
import type { Digest } from "../oci/digest.ts";
import { familiar, parseReference, type Reference } from "../oci/reference.ts";
import type { Platform } from "../oci/types.ts";
import type { ImageRecord } from "../store/types.ts";
import type { ImageContext } from "./context.ts";
import { collectGarbage } from "./garbage.ts";
import {
  familiarOf,
  isDangling,
  isIdOf,
  noSuchImage,
  referenceOf,
  resolveNames,
  sameRepository,
  shortDigest,
} from "./names.ts";
import { announce, keepUntagged } from "./records.ts";
import type { ImageUser } from "./types.ts";

export type Removal = { Untagged: string } | { Deleted: string };

export interface RemoveImageOptions {
  force: boolean;
  prune: boolean;
  inUse: (id: Digest) => ImageUser[];
  platforms?: Platform[];
}

/** What may not be, besides a running container, for which nothing helps. */
interface Obstacles {
  severalNames: boolean;
  stoppedContainers: boolean;
}

/** Answers what was untagged and deleted. Errors: not-found, and conflict in Docker's words. */
export async function removeImage(
  context: ImageContext,
  text: string,
  options: RemoveImageOptions,
): Promise<Removal[]> {
  if (text.trim() === "") throw invalid("image name cannot be blank");
  if (options.platforms?.length) refusePlatforms(options.force);
  const done = context.store.transaction(() => decide(context, text, options));
  if (done.some((removal) => "Deleted" in removal)) await collectGarbage(context);
  return done;
}

function refusePlatforms(force: boolean): never {
  if (!force)
    throw invalid(
      "Content will be removed from all images referencing this variant. Use —-force to force delete.",
    );
  throw notImplemented("removing one platform of an image is not implemented");
}

function decide(context: ImageContext, text: string, options: RemoveImageOptions): Removal[] {
  const { force, inUse } = options;
  const { record, all } = resolveNames(context.store.images, text);
  const obstacles: Obstacles = { severalNames: !force, stoppedContainers: !force };
  const id = (record ?? all[0])?.target.digest;
  if (id === undefined) throw noSuchImage(text);
  if (!record) {
    const named = isIdOf(id, text) ? undefined : parseReference(text);
    const same = sameName(named, all);
    if (same.length === 0 && named) throw noSuchImage(text);
    if (same.length === all.length && !force) obstacles.severalNames = false;
    if (named && same.length > 0 && same.length !== all.length) return untag(context, same);
    return deleteAll(context, id, all, obstacles, inUse);
  }
  const reference = referenceOf(record);
  if (!reference || isIdOf(id, text)) return deleteAll(context, id, all, obstacles, inUse);
  const same = sameName(reference, all);
  if (same.length !== all.length) return untag(context, same);
  if (all.length > 1 && !force) obstacles.severalNames = false;
  const [user] = inUse(id);
  if (!user) return deleteAll(context, id, all, obstacles, inUse);
  if (!force)
    throw conflict(
      `conflict: unable to delete ${familiar(reference)} (must be forced) - container ${user.containerId.slice(0, 12)} is using its referenced image ${shortDigest(id)}`,
    );
  // The container needs its image: only the name goes.
  keepUntagged(context.store, record);
  return untag(context, [record]);
}

/**
 * The records that go with a name: the same repository and tag, the repository's digest when no other tag of it is left,
 * and untagged ones. Without a name: those that go with the first record's name.
 */
function sameName(named: Reference | undefined, all: ImageRecord[]): ImageRecord[] {
  let repository = named;
  let tag = named?.tag;
  const everyTag = named?.tag === undefined && named?.digest !== undefined;
  const same: ImageRecord[] = [];
  const digests: ImageRecord[] = [];
  let otherTags = false;
  for (const record of all) {
    const reference = referenceOf(record);
    if (reference && !repository) {
      repository = reference;
      tag = reference.tag;
    } else if (reference && repository) {
      if (!sameRepository(reference, repository)) continue;
      if (!everyTag) {
        if (reference.tag === undefined) {
          digests.push(record);
          continue;
        }
        tag ??= reference.tag;
        if (tag !== reference.tag) {
          otherTags = true;
          continue;
        }
      }
    }
    same.push(record);
  }
  return otherTags ? same : [...same, ...digests];
}

function untag(context: ImageContext, records: ImageRecord[]): Removal[] {
  return records.flatMap((record) => {
    context.store.images.delete(record.name);
    if (isDangling(record)) return [];
    announce(context, "untag", record.target.digest, familiarOf(record));
    return [{ Untagged: familiarOf(record) }];
  });
}

function deleteAll(
  context: ImageContext,
  id: Digest,
  all: ImageRecord[],
  obstacles: Obstacles,
  inUse: (id: Digest) => ImageUser[],
): Removal[] {
  const short = shortDigest(id);
  const users = inUse(id);
  const running = users.find((user) => user.running);
  if (running)
    throw conflict(
      `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container ${running.containerId.slice(0, 12)}`,
    );
  const stopped = users.find((user) => !user.running);
  if (obstacles.stoppedContainers && stopped)
    throw conflict(
      `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${stopped.containerId.slice(0, 12)}`,
    );
  if (obstacles.severalNames && all.length > 1)
    throw conflict(
      `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
    );
  const untagged = untag(context, all);
  announce(context, "delete", id, id);
  return [...untagged, { Deleted: id }];
}
