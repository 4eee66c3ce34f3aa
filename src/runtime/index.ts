// The runtime room's door.
export * from "./bundle/index.ts";
export { editsForRequests, readCdiDevices } from "./cdi/index.ts";
export { warmCgroupLock } from "./cgroup-lock.ts";
export {
  type BlockUsage,
  type CgroupStats,
  type Count,
  type ProcessorUsage,
  readCgroupStats,
  readHostProcessors,
} from "./cgroup-stats/index.ts";
export { cgroupFolders, cgroupFrozen, cgroupProcesses, hostCgroupMode } from "./cgroups.ts";
export {
  movesNetDevices,
  type RuntimeTable,
  runtimeVersion,
  selectRuntime,
  takesFilter,
} from "./driver.ts";
export { detectEnvironment } from "./environment.ts";
export { foreignPlatforms } from "./foreign-platforms.ts";
export { loggingFailure } from "./log-failure.ts";
export { StartFailure } from "./runtime-errors.ts";
export { connectShim } from "./shim-client/client.ts";
export { ShimDiedError } from "./shim-client/failures.ts";
export { containerCgroup, killLeftBehind, readLeftExit } from "./shim-client/left-behind.ts";
export { startShim } from "./shim-client/start.ts";
export { enterOwnScope, systemdRunsHost } from "./systemd/scope.ts";
