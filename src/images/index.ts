// The door of the images room: what engine/ and api/ call.
export { COMMIT_LEASE, type CommitOptions } from "./commit.ts";
export { commitConfig } from "./commit-config.ts";
export type { ImageContext } from "./context.ts";
export type { ImageFilters } from "./filters.ts";
export { type ImageHistoryItem, type InspectImageOptions, imageHistory, inspectImage } from "./inspect.ts";
export { imagesDiskUsage, type ListImagesOptions, listImages } from "./list.ts";
export { checkTagTarget } from "./names.ts";
export { openImages } from "./open.ts";
export { type PruneImagesOptions, pruneImages } from "./prune.ts";
export { recordBuilt } from "./records.ts";
export {
  checkAuth,
  decodeRegistryAuth,
  decodeRegistryConfig,
  inspectDistribution,
} from "./registry-verbs.ts";
export type { Removal } from "./remove.ts";
export * from "./types.ts";
