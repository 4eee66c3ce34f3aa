// Volumes: named folders that outlive containers, and how a container's mounts are made from what was asked.
import type { Mount, Volume } from "../api/types/index.ts";
import type { Digest } from "../oci/digest.ts";
import type { BundleInput } from "../runtime/types.ts";
import type { SnapshotId } from "../store/types.ts";

export interface VolumeRecord {
  id: string; // the volume's name
  driver: "local";
  createdAt: string;
  labels: Record<string, string>;
  options: Record<string, string>;
  scope: "local";
  /** Made for one container without a name: goes with `rm -v` and `--rm`. */
  anonymous: boolean;
  /** Its removal has begun; who opens the volumes next finishes it. */
  removing?: boolean;
}

/** A container's use of a volume. */
export interface VolumeUse {
  id: string; // VOLUME/CONTAINER
  volume: string;
  containerId: string;
  /** Asked for without a name: `rm -v` of this container takes the volume along, when nobody else uses it. */
  anonymous: boolean;
  /** It runs with it, or is about to: a volume that is a mount stays mounted. */
  active?: boolean;
}

/** A mount of a container, decided when it is created, stored in its record. */
export interface ResolvedMount {
  type: "bind" | "volume" | "tmpfs" | "image";
  /** Host folder for bind; volume's name for volume; image's name, as asked, for image; empty for tmpfs. */
  source: string;
  /** Absolute path inside the container. */
  destination: string;
  readOnly: boolean;
  /** bind: rprivate, rshared, … */
  propagation?: string;
  /** bind: rslave was our choice, not the user's; left out where the host's mount does not propagate. */
  chosenPropagation?: boolean;
  /** As asked after the second colon of -v: "ro,z" and so on; shown by inspect as Mode. */
  mode: string;
  /** Copy the image's content of the destination into the volume when that is empty. */
  copyUp: boolean;
  /** tmpfs: mount options as mount(8) writes them. */
  tmpfsOptions?: string[];
  nonRecursive?: boolean;
  /** bind: read-only for the mount itself, not for the mounts below it. */
  readOnlyNonRecursive?: boolean;
  /** bind: refuse where the kernel can't make the mounts below it read-only too. */
  readOnlyForceRecursive?: boolean;
  /** Make a missing bind source, as -v does and --mount doesn't. */
  createSource?: boolean;
  subpath?: string;
  /** image: what the name meant when the container was created. No snapshot: an image without layers. */
  image?: { id: Digest; manifest: Digest; snapshot?: SnapshotId };
  anonymous?: boolean;
  /** volume: what it is made with, when it isn't there yet. */
  creation?: { driver?: string; labels?: Record<string, string>; options?: Record<string, string> };
}

/** A mount whose host path is there. */
export interface RealisedMount {
  mount: ResolvedMount;
  hostPath: string;
  /** It is no folder. */
  isFile?: boolean;
  /** Options of the host's mount that the bind has to repeat (nosuid, ro, …). */
  inherited?: string[];
  /** Takes away what was made to give a subpath a host path: to be called when the container runs, or didn't start. */
  close?: () => void;
}

/** What asked for a mount: HostConfig.Binds, .Mounts, .Tmpfs, .VolumesFrom (records resolved by the engine), Config.Volumes. */
export interface MountRequest {
  binds: string[];
  mounts: Mount[];
  tmpfs: Record<string, string>;
  imageVolumes: string[];
  inherited: ResolvedMount[];
  volumeDriver?: string;
}

/** What `volume ls` and `volume prune` filter by; each list is "any of", labels are "all of". */
export type VolumeFilters = Record<string, string[]>;

export interface Volumes {
  /** Refuses what can't be mounted, in Docker's words, before anything is made. */
  plan(request: MountRequest): ResolvedMount[];
  /** Makes the named and anonymous volumes of a plan, and marks the container as their user. Undone by release. */
  acquire(containerId: string, mounts: ResolvedMount[]): Promise<ResolvedMount[]>;
  /** No longer used by the container; removeAnonymous as `rm -v`. */
  release(containerId: string, options: { removeAnonymous: boolean }): Promise<void>;
  /** Before each start: host paths to mount, made when missing (binds with createSource) or refused. */
  realise(
    containerId: string,
    mounts: ResolvedMount[],
    ids: { uid: number; gid: number },
  ): Promise<RealisedMount[]>;
  /** After each end, and after a start that failed: volumes that are mounts go with the last container that ran. */
  letGo(containerId: string): Promise<void>;
  /** What realise gave, and HostConfig.Tmpfs (which plan checks but leaves out), in the form of BundleInput.mounts. */
  toBundle(realised: RealisedMount[], tmpfs?: Record<string, string>): BundleInput["mounts"];
  /** Copies the image's content of each copyUp volume that is empty; `rootfs` is the mounted root of the container. */
  copyUp(mounts: ResolvedMount[], rootfs: string): Promise<void>;
  create(request: {
    name?: string;
    driver?: string;
    labels?: Record<string, string>;
    options?: Record<string, string>;
  }): Promise<VolumeRecord>;
  get(name: string): VolumeRecord; // throws not-found "get NAME: no such volume"
  /** Filters: dangling, driver, label, name; refuses others in Docker's words. */
  list(filters?: VolumeFilters): VolumeRecord[];
  /** Removes anonymous volumes that nobody uses (with filter all=true named ones too); filters label, label!, all. */
  prune(filters?: VolumeFilters): Promise<{ VolumesDeleted: string[]; SpaceReclaimed: number }>;
  /** Names of the containers that use it. */
  usersOf(name: string): string[];
  remove(name: string, options: { force: boolean }): Promise<void>;
  mountpoint(name: string): string;
  toApi(record: VolumeRecord): Volume;
  /** Bytes on disk, for `system df`. */
  usage(name: string): Promise<number>;
}
