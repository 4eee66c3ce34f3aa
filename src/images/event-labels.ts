// The labels that `docker events` shows with an image: those of its config for this host.
import { readFileSync } from "node:fs";
import { bestMatch } from "../oci/platform.ts";
import { type Descriptor, type ImageConfig, type Index, isIndex, type Manifest } from "../oci/types.ts";
import type { ContentStore } from "../store/types.ts";
import type { ImageContext } from "./context.ts";
import { isAttestation, requestedOrAny } from "./manifests.ts";

/** Read at once (some kilobytes), so that events keep their order. Of an image that isn't here whole: none. */
export function eventLabels({ store, environment }: ImageContext, root: Descriptor): Record<string, string> {
  try {
    const manifest = manifestOf(store.content, root, environment.platform);
    return manifest ? (read<ImageConfig>(store.content, manifest.config).config?.Labels ?? {}) : {};
  } catch {
    return {};
  }
}

function manifestOf(
  content: ContentStore,
  root: Descriptor,
  host: Parameters<typeof requestedOrAny>[1],
): Manifest | undefined {
  if (!isIndex(root.mediaType)) return read<Manifest>(content, root);
  const present = (read<Index>(content, root).manifests ?? []).filter(
    (child) => !isAttestation(child) && content.info(child.digest),
  );
  const platformed = present.filter((child) => child.platform !== undefined);
  const best =
    bestMatch(platformed, requestedOrAny(undefined, host), (child) => child.platform as typeof host) ??
    present[0];
  return best && manifestOf(content, best, host);
}

const read = <T>(content: ContentStore, { digest }: Descriptor): T =>
  JSON.parse(readFileSync(content.path(digest), "utf8")) as T;
