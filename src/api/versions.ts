// API versions: which are spoken, and what changes with each, as data. A resource file knows only the newest version; a
// line of the table turns an older request into a new one, or a new answer into an older one.
// Sources: the reference's version history (moby docs/api/version-history.md) and where moby's routers ask for the version.
import { invalid } from "../base/errors.ts";
import { CONTAINER_CHANGES } from "./versions/containers.ts";
import { IMAGE_CHANGES } from "./versions/images.ts";
import { NETWORK_AND_VOLUME_CHANGES } from "./versions/networks-volumes.ts";
import { SYSTEM_CHANGES } from "./versions/system.ts";

/** The minor number of a version 1.x between the oldest and the newest. */
export type ApiVersion = number & { readonly __brand: "ApiVersion" };

export const NEWEST = "1.51";
export const OLDEST = "1.24";
export const NEWEST_VERSION = 51 as ApiVersion;

/** What a line of the table may change in a request. */
export interface VersionedRequest {
  query: URLSearchParams;
  /** As decoded by the operation's schema. */
  body: unknown;
  /** Shown to the client with the answer (containers/create). */
  warnings: string[];
  /** The host's cgroup hierarchy is version 2. */
  cgroup2: boolean;
}

/** One line of the version history. Each function gets its own copy to change. */
export interface Change {
  /** Minor number of the version that brought it. */
  since: number;
  operations: readonly string[];
  /** The history's words, in short: what the newer version does, and the older. */
  what: string;
  /** Changes a request of an older version so that the newest's handler serves it; throws to refuse it. */
  olderRequest?(request: VersionedRequest): void;
  /** Changes (or refuses) a request from `since` on. */
  newerRequest?(request: VersionedRequest): void;
  /** Makes the newest's JSON answer into what older versions answered. */
  olderAnswer?(answer: unknown): unknown;
  /** A difference that is neither: asked for by its name, see `has`. */
  behaviour?: Behaviour;
}

export type Behaviour =
  /** The answer's Content-Type tells multiplexed streams from raw ones. */
  | "multiplexed-type"
  /** attach/ws goes by the streams that the query names; older: all three, whatever it says. */
  | "attach-ws-streams"
  /** `wait` sends its headers before the end, and knows conditions. */
  | "wait-headers-first"
  /** `wait` for a removal that fails answers with the error; older: with nothing. */
  | "wait-removal-error"
  /** Events of images that were made. */
  | "image-create-events";

export const CHANGES: readonly Change[] = [
  ...CONTAINER_CHANGES,
  ...IMAGE_CHANGES,
  ...NETWORK_AND_VOLUME_CHANGES,
  ...SYSTEM_CHANGES,
];

const byOperation = new Map<string, Change[]>();
const byBehaviour = new Map<Behaviour, Change>();
for (const change of CHANGES) {
  for (const operation of change.operations) {
    const list = byOperation.get(operation);
    if (list) list.push(change);
    else byOperation.set(operation, [change]);
  }
  if (change.behaviour) byBehaviour.set(change.behaviour, change);
}

/** Reads `1.44`. Errors: invalid "client version X is too old/too new…". Absent: the newest. */
export function parseVersion(text: string | undefined, oldest = OLDEST): ApiVersion {
  if (text === undefined) return NEWEST_VERSION;
  if (compareVersions(text, oldest) < 0)
    throw invalid(
      `client version ${text} is too old. Minimum supported API version is ${oldest}, please upgrade your client to a newer version`,
    );
  if (compareVersions(text, NEWEST) > 0)
    throw invalid(`client version ${text} is too new. Maximum supported API version is ${NEWEST}`);
  return Number(text.split(".")[1] ?? 0) as ApiVersion;
}

/** DOCKER_MIN_API_VERSION raises the oldest version that is served. Errors as dockerd words them. */
export function checkOldestVersion(text: string | undefined): string {
  if (!text) return OLDEST;
  const refuse = (reason: string) => new Error(`invalid DOCKER_MIN_API_VERSION: ${reason}`);
  if (/^v/i.test(text)) throw refuse('API version must be provided without "v" prefix');
  if (compareVersions(text, OLDEST) < 0) throw refuse(`minimum supported API version is ${OLDEST}: ${text}`);
  if (!(compareVersions(text, NEWEST) <= 0))
    throw refuse(`maximum supported API version is ${NEWEST}: ${text}`);
  return text;
}

/** Part by part as numbers, missing ones as 0: moby's versions.compare. */
export function compareVersions(a: string, b: string): number {
  const left = a.split(".");
  const right = b.split(".");
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = Number(left[at] || 0) - Number(right[at] || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Brings a request up to (or holds it to) what its version says. */
export function adaptRequest(operation: string, version: ApiVersion, request: VersionedRequest): void {
  for (const change of byOperation.get(operation) ?? []) {
    if (version < change.since) change.olderRequest?.(request);
    else change.newerRequest?.(request);
  }
}

/** The newest answer in the form of a version. Newer lines are undone first. */
export function adaptAnswer(operation: string, version: ApiVersion, answer: unknown): unknown {
  const changes = byOperation.get(operation);
  if (!changes || version === NEWEST_VERSION) return answer;
  const undo = changes.filter((change) => version < change.since && change.olderAnswer);
  undo.sort((a, b) => b.since - a.since);
  let older = answer;
  for (const change of undo) older = change.olderAnswer?.(older) ?? older;
  return older;
}

export function has(version: ApiVersion, behaviour: Behaviour): boolean {
  return version >= (byBehaviour.get(behaviour)?.since ?? 0);
}
