// The engine's door: start-up, and the use cases that the API calls, each with the engine first.
import type {
  ContainerCreateResponse,
  ContainerInspectResponse,
  ContainerSummary,
  ContainerTopResponse,
  ContainerWaitResponse,
  SystemInfo,
  SystemVersion,
} from "../api/types/index.ts";
import { notImplemented } from "../base/errors.ts";
import type {
  Attachment,
  AttachOptions,
  ExecInspect,
  ExecRequest,
  LogOptions,
  LogStream,
  WaitCondition,
} from "../containers/types.ts";
import type { Images, Progress, RegistryAuth } from "../images/types.ts";
import type { Digest } from "../oci/digest.ts";
import type { Platform } from "../oci/types.ts";
import type { VolumeRecord } from "../volumes/types.ts";
import type {
  CreateRequest,
  DaemonConfig,
  DiskUsage,
  Engine,
  Filters,
  ListRequest,
  PruneReport,
  RemoveOptions,
  StopOptions,
} from "./types.ts";

const unbuilt = (name: string): never => {
  throw notImplemented(`${name} is not implemented`);
};

/** Takes the data root's lock, opens the rooms, reconciles with the kernel. Errors: unavailable when another daemon holds it. */
export const startEngine = async (_config: DaemonConfig): Promise<Engine> => unbuilt("startEngine");
/** Closes the rooms; containers go on running. */
export const stopEngine = async (_engine: Engine): Promise<void> => unbuilt("stopEngine");

export const createContainer = async (
  _engine: Engine,
  _request: CreateRequest,
): Promise<ContainerCreateResponse> => unbuilt("createContainer");
/** "unchanged" (304): it runs already. */
export const startContainer = async (_engine: Engine, _reference: string): Promise<"started" | "unchanged"> =>
  unbuilt("startContainer");
/** "unchanged" (304): it didn't run. */
export const stopContainer = async (
  _engine: Engine,
  _reference: string,
  _options: StopOptions,
): Promise<"stopped" | "unchanged"> => unbuilt("stopContainer");
export const restartContainer = async (
  _engine: Engine,
  _reference: string,
  _options: StopOptions,
): Promise<void> => unbuilt("restartContainer");
export const killContainer = async (_engine: Engine, _reference: string, _signal: string): Promise<void> =>
  unbuilt("killContainer");
export const pauseContainer = async (_engine: Engine, _reference: string): Promise<void> =>
  unbuilt("pauseContainer");
export const unpauseContainer = async (_engine: Engine, _reference: string): Promise<void> =>
  unbuilt("unpauseContainer");
export const renameContainer = async (_engine: Engine, _reference: string, _name: string): Promise<void> =>
  unbuilt("renameContainer");
export const removeContainer = async (
  _engine: Engine,
  _reference: string,
  _options: RemoveOptions,
): Promise<void> => unbuilt("removeContainer");
/** The outer promise: the wait is registered (send the headers now); the inner: its end. */
export const waitContainer = async (
  _engine: Engine,
  _reference: string,
  _condition: WaitCondition,
  _signal: AbortSignal,
): Promise<{ result: Promise<ContainerWaitResponse> }> => unbuilt("waitContainer");
export const listContainers = async (_engine: Engine, _request: ListRequest): Promise<ContainerSummary[]> =>
  unbuilt("listContainers");
export const inspectContainer = async (
  _engine: Engine,
  _reference: string,
  _options: { size: boolean },
): Promise<ContainerInspectResponse> => unbuilt("inspectContainer");
export const containerLogs = async (
  _engine: Engine,
  _reference: string,
  _options: LogOptions,
  _signal: AbortSignal,
): Promise<LogStream> => unbuilt("containerLogs");
/** Errors are thrown before anything is hijacked. A container that isn't running yet may be attached to: as `run` does. */
export const attachContainer = async (
  _engine: Engine,
  _reference: string,
  _options: AttachOptions,
): Promise<Attachment> => unbuilt("attachContainer");
export const resizeContainer = async (
  _engine: Engine,
  _reference: string,
  _rows: number,
  _columns: number,
): Promise<void> => unbuilt("resizeContainer");
export const topContainer = async (
  _engine: Engine,
  _reference: string,
  _psArguments: string,
): Promise<ContainerTopResponse> => unbuilt("topContainer");
export const pruneContainers = async (_engine: Engine, _filters: Filters): Promise<PruneReport> =>
  unbuilt("pruneContainers");

export const createExec = async (
  _engine: Engine,
  _reference: string,
  _request: ExecRequest,
): Promise<{ Id: string }> => unbuilt("createExec");
/** Detached: resolves with null once the program runs. Else with its streams. */
export const startExec = async (
  _engine: Engine,
  _execId: string,
  _options: { detach: boolean; tty: boolean; consoleSize?: [number, number] },
): Promise<Attachment | null> => unbuilt("startExec");
export const inspectExec = async (_engine: Engine, _execId: string): Promise<ExecInspect> =>
  unbuilt("inspectExec");
export const resizeExec = async (
  _engine: Engine,
  _execId: string,
  _rows: number,
  _columns: number,
): Promise<void> => unbuilt("resizeExec");

// The images room's own verbs, with the events and the question who uses an image.
export const pullImage = async (
  _engine: Engine,
  _reference: string,
  _options: { platform?: Platform; auth?: RegistryAuth; progress: Progress; signal: AbortSignal },
): Promise<void> => unbuilt("pullImage");
export const pushImage = async (
  _engine: Engine,
  _reference: string,
  _options: { platform?: Platform; auth?: RegistryAuth; progress: Progress; signal: AbortSignal },
): Promise<void> => unbuilt("pushImage");
export const tagImage = async (_engine: Engine, _source: string, _target: string): Promise<void> =>
  unbuilt("tagImage");
export const removeImage = async (
  _engine: Engine,
  _reference: string,
  _options: { force: boolean; prune: boolean },
): Promise<({ Untagged: string } | { Deleted: string })[]> => unbuilt("removeImage");
export const loadImages = async (
  _engine: Engine,
  _archive: AsyncIterable<Uint8Array>,
  _options: Parameters<Images["load"]>[1],
): Promise<void> => unbuilt("loadImages");
export const saveImages = (
  _engine: Engine,
  _references: string[],
  _options: { platform?: Platform },
): AsyncIterable<Uint8Array> => unbuilt("saveImages");
export const importImage = async (
  _engine: Engine,
  _archive: AsyncIterable<Uint8Array>,
  _options: Parameters<Images["import"]>[1],
): Promise<Digest> => unbuilt("importImage");
export const pruneImages = async (_engine: Engine, _filters: Filters): Promise<PruneReport> =>
  unbuilt("pruneImages");

export const createVolume = async (
  _engine: Engine,
  _request: {
    name?: string;
    driver?: string;
    labels?: Record<string, string>;
    options?: Record<string, string>;
  },
): Promise<VolumeRecord> => unbuilt("createVolume");
export const removeVolume = async (
  _engine: Engine,
  _name: string,
  _options: { force: boolean },
): Promise<void> => unbuilt("removeVolume");
export const pruneVolumes = async (_engine: Engine, _filters: Filters): Promise<PruneReport> =>
  unbuilt("pruneVolumes");

export const systemInfo = async (_engine: Engine): Promise<SystemInfo> => unbuilt("systemInfo");
export const systemVersion = async (_engine: Engine): Promise<SystemVersion> => unbuilt("systemVersion");
export const diskUsage = async (
  _engine: Engine,
  _types: ReadonlySet<"container" | "image" | "volume" | "build-cache">,
): Promise<DiskUsage> => unbuilt("diskUsage");
