// The engine's door: start-up, and the use cases that the API calls, each with the engine first.
export { type BuildCachePrune, pruneBuildCache } from "./build-cache.ts";
export { type BuildImageRequest, buildImage, cancelBuild } from "./build-image.ts";
export { builderOf } from "./builder.ts";
export { commitContainer } from "./commit-container.ts";
export {
  attachContainer,
  containerLogs,
  killContainer,
  pauseContainer,
  renameContainer,
  resizeContainer,
  topContainer,
  unpauseContainer,
  waitContainer,
} from "./container-access.ts";
export { containerChanges } from "./container-changes.ts";
export {
  archiveContainerPath,
  exportContainer,
  extractToContainer,
  type PathStat,
  statContainerPath,
} from "./container-files.ts";
export { containerStats } from "./container-stats.ts";
export { copyRegistryContent } from "./copy-registry-content.ts";
export { createContainer } from "./create-container.ts";
export { type DiskUsageType, diskUsage } from "./disk-usage.ts";
export { eventJson } from "./events.ts";
export { createExec, inspectExec, resizeExec, startExec } from "./exec.ts";
export {
  downloadArchive,
  imageUsers,
  importImage,
  loadImages,
  pruneImages,
  pullImage,
  pushImage,
  removeImage,
  saveImages,
  tagImage,
} from "./image-actions.ts";
export { systemInfo, systemVersion } from "./info.ts";
export { inspectContainer, listContainers } from "./list-containers.ts";
export {
  connectNetwork,
  createNetwork,
  disconnectNetwork,
  pruneNetworks,
  removeNetwork,
} from "./network-actions.ts";
export { pruneContainers } from "./prune-containers.ts";
export {
  MANIFEST_LIMIT,
  readRegistryBlob,
  readRegistryManifest,
  writeRegistryManifest,
} from "./registry-content.ts";
export { removeContainer } from "./remove-container.ts";
export { startEngine, stopEngine } from "./start.ts";
export { startContainer } from "./start-container.ts";
export { restartContainer, stopContainer } from "./stop-container.ts";
export type * from "./types.ts";
export { type UpdateRequest, updateContainer } from "./update-container.ts";
export { pruneVolumes } from "./volume-actions.ts";
export {
  archiveVolumePath,
  cloneVolume,
  exportVolume,
  extractToVolume,
  importVolume,
  statVolumePath,
} from "./volume-files.ts";
export { listUsedVolumes, type UsedVolume } from "./volume-usage.ts";
