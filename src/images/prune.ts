// POST /images/prune.
import { conflict } from "../base/errors.ts";
import type { Digest } from "../oci/digest.ts";
import { canonical, parseReference, type Reference, withDefaultTag, withTag } from "../oci/reference.ts";
import { isIndex, isManifest } from "../oci/types.ts";
import type { ImageRecord, Store } from "../store/types.ts";
import type { ImageContext } from "./context.ts";
import { booleanFilter, checkFilters, type ImageFilters, recordFilter } from "./filters.ts";
import { collectGarbage } from "./garbage.ts";
import { walkPresent } from "./manifests.ts";
import { familiarOf, isDangling, isIdOf } from "./names.ts";
import { announce } from "./records.ts";
import type { Removal } from "./remove.ts";
import type { ImageUser } from "./types.ts";

export interface PruneImagesOptions {
  filters: ImageFilters;
  inUse: (id: Digest) => ImageUser[];
}

const running = new WeakSet<Store>();

/**
 * Removes untagged images, with `dangling=false` all that no container uses. Errors: conflict while another prune runs,
 * invalid for unknown filters.
 */
export async function pruneImages(
  context: ImageContext,
  options: PruneImagesOptions,
): Promise<{ ImagesDeleted: Removal[]; SpaceReclaimed: number }> {
  const { store } = context;
  if (running.has(store)) throw conflict("a prune operation is already running");
  running.add(store);
  try {
    checkFilters(options.filters, ["dangling", "label", "label!", "until"]);
    const onlyDangling = booleanFilter(options.filters, "dangling", true);
    const keepers = await recordFilter(context, { ...options.filters, dangling: [] });
    const candidates: ImageRecord[] = [];
    for (const record of store.images.all())
      if ((!onlyDangling || isDangling(record)) && (await keepers(record))) candidates.push(record);
    return await removeAll(context, unused(store, candidates, options.inUse));
  } finally {
    running.delete(store);
  }
}

/** Leaves out names that containers were made by, and the last name of each image that a container uses. */
function unused(store: Store, candidates: ImageRecord[], inUse: (id: Digest) => ImageUser[]): ImageRecord[] {
  const left = new Map<Digest, number>();
  for (const { target } of store.images.all()) left.set(target.digest, (left.get(target.digest) ?? 0) + 1);
  return candidates
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .filter((record) => {
      const id = record.target.digest;
      const users = inUse(id);
      if (users.length === 0) return true;
      if (isDangling(record) || users.some((user) => keepsName(user, record))) return false;
      const others = (left.get(id) ?? 1) - 1;
      left.set(id, others);
      return others > 0;
    });
}

/** Whether a container was made by this very name; one whose reference isn't known keeps every name. */
function keepsName({ reference }: ImageUser, record: ImageRecord): boolean {
  if (reference === undefined) return true;
  if (isIdOf(record.target.digest, reference)) return false;
  let parsed: Reference;
  try {
    parsed = withDefaultTag(parseReference(reference));
  } catch {
    return false;
  }
  const names = [canonical(parsed)];
  if (parsed.tag !== undefined) names.push(canonical(withTag(parsed, parsed.tag)));
  return names.some((name) => name === record.name);
}

async function removeAll(
  context: ImageContext,
  records: ImageRecord[],
): Promise<{ ImagesDeleted: Removal[]; SpaceReclaimed: number }> {
  const { store } = context;
  const removals: Removal[] = [];
  const gone: { record: ImageRecord; manifests: Digest[] }[] = [];
  for (const record of records) {
    const below = await walkPresent(store.content, record.target);
    const manifests = below.filter(({ mediaType }) => isManifest(mediaType) || isIndex(mediaType));
    if (!store.images.delete(record.name)) continue;
    announce(context, "untag", record.target.digest, familiarOf(record));
    gone.push({ record, manifests: manifests.map(({ digest }) => digest) });
  }
  const { freed } = await collectGarbage(context);
  const told = new Set<Digest>();
  for (const { record, manifests } of gone) {
    removals.push({ Untagged: familiarOf(record) });
    for (const digest of manifests) {
      if (told.has(digest) || store.content.info(digest)) continue;
      told.add(digest);
      removals.push({ Deleted: digest });
    }
    if (told.has(record.target.digest))
      announce(context, "delete", record.target.digest, record.target.digest);
  }
  return { ImagesDeleted: removals, SpaceReclaimed: freed };
}
