// GET /images/json.
import type { ImageSummary } from "../api/types/image.ts";
import type { ChainId, Digest } from "../oci/digest.ts";
import type { ImageRecord } from "../store/types.ts";
import type { ImageContext } from "./context.ts";
import { checkFilters, type ImageFilters, recordFilter } from "./filters.ts";
import { anyPreferring } from "./manifests.ts";
import { isDangling, namesOf } from "./names.ts";
import { layerSize, overviewOf } from "./summary.ts";
import type { ImageUser } from "./types.ts";

const FILTERS = ["dangling", "label", "label!", "before", "since", "reference", "until"];

export interface ListImagesOptions {
  /** Intermediate images too; we have none, so it changes nothing. */
  all?: boolean;
  filters?: ImageFilters;
  /** Fills SharedSize, else -1. */
  sharedSize?: boolean;
  manifests?: boolean;
  /** Names the containers of an image. */
  inUse: (id: Digest) => ImageUser[];
}

/** The images, newest first, in the shape of the newest API version. Errors: invalid for unknown filters. */
export async function listImages(context: ImageContext, options: ListImagesOptions): Promise<ImageSummary[]> {
  const filters = options.filters ?? {};
  checkFilters(filters, FILTERS);
  const keep = await recordFilter(context, filters);
  const images = new Map<Digest, ImageRecord[]>();
  for (const record of context.store.images.all()) {
    if (!(await keep(record))) continue;
    const { digest } = record.target;
    images.set(digest, [...(images.get(digest) ?? []), record]);
  }
  const rows = await Promise.all([...images.values()].map((records) => summarize(context, records, options)));
  if (options.sharedSize) await fillSharedSizes(context, rows);
  return rows.map(({ summary }) => summary).sort((a, b) => b.Created - a.Created);
}

interface Row {
  summary: ImageSummary;
  chains: ChainId[];
}

async function summarize(
  context: ImageContext,
  records: ImageRecord[],
  options: ListImagesOptions,
): Promise<Row> {
  const record = records.find((candidate) => !isDangling(candidate)) ?? (records[0] as ImageRecord);
  const matcher = anyPreferring(context.environment.platform);
  const overview = await overviewOf(context, record, matcher, options.inUse);
  const { digest } = record.target;
  const names = namesOf(records);
  const config = overview.best?.config;
  const summary: ImageSummary = {
    Id: digest,
    ParentId: "",
    RepoTags: names.tags,
    RepoDigests: overview.best ? names.digests : [digest],
    Created: config?.created ? Math.floor(Date.parse(config.created) / 1000) : 0,
    Size: overview.totalSize,
    SharedSize: -1,
    // null, as Go writes a map that nobody made.
    Labels: (config?.config?.Labels ?? null) as Record<string, string>,
    Containers: overview.best ? overview.containers : -1,
    Descriptor: record.target,
    ...(options.manifests && { Manifests: overview.manifests }),
  };
  return { summary, chains: overview.chains };
}

/** Bytes of the layers that more than one of the listed images has. */
async function fillSharedSizes({ store }: ImageContext, rows: Row[]): Promise<void> {
  const uses = new Map<ChainId, number>();
  for (const { chains } of rows) for (const chain of chains) uses.set(chain, (uses.get(chain) ?? 0) + 1);
  for (const { summary, chains } of rows) {
    const shared = chains.filter((chain) => (uses.get(chain) ?? 0) > 1);
    const sizes = await Promise.all(shared.map((chain) => layerSize(store.snapshots, chain)));
    summary.SharedSize = sizes.reduce((sum, size) => sum + size, 0);
  }
}

/** Bytes that all unpacked layers and blobs of images take, for `system df`. */
export async function imagesDiskUsage({ store }: ImageContext): Promise<{ layersSize: number }> {
  const layers = store.snapshots.list().filter(({ chain }) => chain !== undefined);
  const unpacked = layers.reduce((sum, { size }) => sum + (size ?? 0), 0);
  const blobs = store.content.list().reduce((sum, { size }) => sum + size, 0);
  return { layersSize: unpacked + blobs };
}
