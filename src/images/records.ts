// Changes of names: tag, and recording what was pulled, loaded or imported. An image that loses its last name to another
// stays as an untagged one.
import { canonical, familiar, parseReference, type Reference } from "../oci/reference.ts";
import type { Descriptor } from "../oci/types.ts";
import type { ImageRecord, Store } from "../store/types.ts";
import type { ImageContext } from "./context.ts";
import { eventLabels } from "./event-labels.ts";
import { checkTagTarget, danglingName, isDangling, resolveRecord } from "./names.ts";
import type { ImageEvent } from "./types.ts";

/** Tells of a change; attributes as `docker events` shows them: with the labels of `labelled`, an image that stays. */
export function announce(
  context: ImageContext,
  action: ImageEvent["action"],
  id: string,
  name: string,
  labelled?: Descriptor,
): void {
  const labels = labelled && context.onImageEvent ? eventLabels(context, labelled) : {};
  context.onImageEvent?.({ action, id, attributes: { ...labels, name } });
}

/**
 * Points a name (undefined: none) at an image. In one transaction: what the name pointed to before is kept as an untagged
 * image when this was its last name, and an untagged record of the new image goes, since it has a name now.
 */
export function recordImage(store: Store, name: Reference | undefined, target: Descriptor): ImageRecord {
  return store.transaction(() => {
    if (!name) {
      const known = store.images.byDigest(target.digest)[0];
      return known ?? store.images.put({ name: danglingName(target.digest), target, labels: {} });
    }
    const text = canonical(name);
    const before = store.images.get(text);
    if (before && before.target.digest !== target.digest) keepUntagged(store, before);
    const record = store.images.put({ name: text, target: plainTarget(target), labels: {} });
    store.images.delete(danglingName(target.digest));
    return record;
  });
}

/** Only what names the content: a platform or an index's remarks are not part of an image's own descriptor. */
const plainTarget = ({ mediaType, digest, size, annotations }: Descriptor): Descriptor => ({
  mediaType,
  digest,
  size,
  ...(annotations && { annotations }),
});

/** Called in a transaction, before a record's name goes: its image stays when this was the last name. */
export function keepUntagged(store: Store, record: ImageRecord): void {
  if (isDangling(record) || store.images.byDigest(record.target.digest).length > 1) return;
  store.images.put({ name: danglingName(record.target.digest), target: record.target, labels: {} });
}

/** POST /images/{name}/tag. Errors: invalid for a bad name, not-found for an unknown image. */
export function tagImage(context: ImageContext, source: string, target: string): void {
  const name = checkTagTarget(parseReference(target));
  const record = resolveRecord(context.store.images, source);
  recordImage(context.store, name, record.target);
  announce(context, "tag", record.target.digest, familiar(name), record.target);
}

/** What a build made: named (a canonical name with its tag), or kept as an untagged image. */
export function recordBuilt(context: ImageContext, name: string | undefined, target: Descriptor): void {
  const reference = name === undefined ? undefined : parseReference(name);
  recordImage(context.store, reference, target);
  if (reference) announce(context, "tag", target.digest, familiar(reference), target);
}
