// GET /images/{name}/json and /images/{name}/history.
import type { ImageInspect } from "../api/types/image.ts";
import { isGoEmpty } from "../base/go-json.ts";
import type { Digest } from "../oci/digest.ts";
import type { PlatformMatcher } from "../oci/platform.ts";
import { type Descriptor, type ImageConfig, isIndex, type Platform } from "../oci/types.ts";
import type { ContentStore, ImageRecord } from "../store/types.ts";
import type { ImageContext } from "./context.ts";
import { PARENT_LABEL } from "./labels.ts";
import { bestManifest, childrenOf, platformNotFound, requestedOrAny } from "./manifests.ts";
import { namesOf, resolveRecord } from "./names.ts";
import { layerSizes, overviewOf, sumOfSizes } from "./summary.ts";
import type { ImageUser } from "./types.ts";

export interface InspectImageOptions {
  /** Errors: not-found when the image has no such manifest here. */
  platform?: Platform;
  manifests?: boolean;
  inUse?: (id: Digest) => ImageUser[];
}

/** Everything about one image, in the shape of the newest API version. Errors: not-found. */
export async function inspectImage(
  context: ImageContext,
  name: string,
  options: InspectImageOptions,
): Promise<ImageInspect> {
  const { store, environment } = context;
  const record = resolveRecord(store.images, name);
  const records = store.images.byDigest(record.target.digest);
  const matcher = requestedOrAny(options.platform, environment.platform);
  const overview = await overviewOf(context, record, matcher, options.inUse ?? (() => []));
  if (!overview.best && options.platform) throw platformNotFound(name, options.platform);
  const target = options.platform && overview.best ? overview.best.descriptor : record.target;
  const { tags, digests } = namesOf(records);
  return {
    Id: target.digest,
    RepoTags: tags,
    RepoDigests: digests,
    Parent: store.content.info(record.target.digest)?.labels[PARENT_LABEL] ?? "",
    Comment: "",
    DockerVersion: "",
    Author: "",
    Architecture: "",
    Os: "",
    Size: await contentSize(store.content, record.target, matcher),
    GraphDriver: { Data: null as unknown as Record<string, string>, Name: "overlayfs" },
    RootFS: { Type: "" },
    Metadata: { LastTagTime: lastTagTime(records) },
    Descriptor: target,
    ...(options.manifests && { Manifests: overview.manifests }),
    ...(overview.best && configPart(overview.best.config)),
  };
}

const lastTagTime = (records: ImageRecord[]): string =>
  records.reduce((latest, { updatedAt }) => (updatedAt > latest ? updatedAt : latest), "");

function configPart(config: ImageConfig): Partial<ImageInspect> {
  const comment = config.history?.at(-1)?.comment;
  const version = config["os.version"];
  return {
    ...(comment !== undefined && { Comment: comment }),
    ...(config.created !== undefined && { Created: config.created }),
    Author: config.author ?? "",
    Architecture: config.architecture,
    ...(config.variant && { Variant: config.variant }),
    Os: config.os,
    ...(version && { OsVersion: version }),
    RootFS: { Type: config.rootfs.type, Layers: config.rootfs.diff_ids },
    Config: runConfig(config),
  };
}

/** What Go leaves out when it is empty (`omitempty` of DockerOCIImageConfig). */
const LEFT_OUT_WHEN_EMPTY = ["ExposedPorts", "StopSignal", "ArgsEscaped", "Healthcheck", "Shell"] as const;

/** `Config` with the fields that are always there, null where there is nothing. */
function runConfig(config: ImageConfig): NonNullable<ImageInspect["Config"]> {
  const own: NonNullable<ImageConfig["config"]> = config.config ?? {};
  const wire: Record<string, unknown> = {
    Cmd: own.Cmd ?? null,
    Entrypoint: own.Entrypoint ?? null,
    Env: own.Env ?? null,
    Labels: own.Labels ?? null,
    OnBuild: own.OnBuild ?? null,
    User: own.User ?? "",
    Volumes: own.Volumes ?? null,
    WorkingDir: own.WorkingDir ?? "",
  };
  for (const field of LEFT_OUT_WHEN_EMPTY) if (!isGoEmpty(own[field])) wire[field] = own[field];
  return wire as NonNullable<ImageInspect["Config"]>;
}

/** Bytes of the packed content: of an index, its own and those of the manifest that suits best. */
async function contentSize(
  content: ContentStore,
  root: Descriptor,
  matcher: PlatformMatcher,
): Promise<number> {
  const children = await childrenOf(content, root);
  if (!isIndex(root.mediaType)) return root.size + sumOfSizes(children);
  const suiting = children
    .map((child) => ({
      child,
      rank: child.platform ? matcher.rank(child.platform) : Number.MAX_SAFE_INTEGER,
    }))
    .filter((entry): entry is { child: Descriptor; rank: number } => entry.rank !== undefined)
    .sort((a, b) => a.rank - b.rank)[0]?.child;
  return root.size + (suiting ? await contentSize(content, suiting, matcher) : 0);
}

/** One row of `docker history`. */
export interface ImageHistoryItem {
  Id: string;
  /** Unix time in seconds. */
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  /** Bytes that the step's layer takes unpacked. */
  Size: number;
  Comment: string;
}

/** The steps that made an image, newest first. Errors: not-found. */
export async function imageHistory(
  { store, environment }: ImageContext,
  name: string,
  options: { platform?: Platform },
): Promise<ImageHistoryItem[]> {
  const record = resolveRecord(store.images, name);
  const best = await bestManifest(store.content, record, options.platform, environment.platform);
  const { config, manifest } = best;
  const sizes = await layerSizes(store, manifest, config);
  const items = (config.history ?? []).map((entry) => ({
    Id: "<missing>",
    Created: entry.created === undefined ? 0 : Math.floor(Date.parse(entry.created) / 1000),
    CreatedBy: entry.created_by ?? "",
    Tags: null as string[] | null,
    Size: entry.empty_layer ? 0 : (sizes.shift() ?? 0),
    Comment: entry.comment ?? "",
  }));
  const newest = items.at(-1);
  if (newest) {
    newest.Id = record.target.digest;
    const { tags } = namesOf(store.images.byDigest(record.target.digest));
    newest.Tags = tags.length > 0 ? tags : null;
  }
  return items.reverse();
}
