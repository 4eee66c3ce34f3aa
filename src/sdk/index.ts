// What `import … from "berth"` gives: a typed client of the Engine API, and the API's vocabulary.
export type * from "../api/types/index.ts";
export { isRemoteAddress, parseGitAddress } from "./build/addresses.ts";
export { BuildError } from "./build/build-error.ts";
export { TargetFailure } from "./build/target-failure.ts";
export type * from "./build/types.ts";
export type {
  CommandResult,
  ContainerBuilder,
  ReadyOptions,
  RunningContainer,
  RunOptions,
} from "./builder.ts";
export { Client, type ConnectOptions, connect } from "./client.ts";
export { API_VERSION, compareVersions, type Filters, MIN_API_VERSION, type Ping } from "./connection.ts";
export {
  type ContainerFiles,
  type FileStore,
  isDevice,
  isFolder,
  isLink,
  type PathStat,
  type WriteOptions,
} from "./container-files.ts";
export {
  type AttachOptions,
  type ContainerSpec,
  formatPlatform,
  type LogOptions,
  type WaitCondition,
} from "./containers.ts";
export { DEFAULT_HOST, type Endpoint, parseEndpoint, type TlsMaterial } from "./endpoint.ts";
export { isConflict, isNotFound, SdkError, type SdkErrorKind } from "./errors.ts";
export type { ExecSpec, ExecState } from "./exec.ts";
export type { HijackedStream } from "./hijack.ts";
export { encodeAuth, type HistoryEntry, type ProgressMessage, type RegistryAuth } from "./images.ts";
export type { NetworkSpec } from "./networks.ts";
export type { Registry, RegistryManifest } from "./registry.ts";
export { demultiplex, demultiplexRuns, type Frame, jsonLines, type StreamName } from "./streams.ts";
export type { DiskUsage } from "./system.ts";
export type { UsedVolume } from "./volume-files.ts";
