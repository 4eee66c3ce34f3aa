// Volumes: named folders that outlive containers, and how a container's mounts are made from what was asked.
import type { Mount, Volume } from "../api/types/index.ts";
import type { Digest } from "../oci/digest.ts";
import type { BundleInput } from "../runtime/types.ts";
import type { SnapshotId } from "../store/types.ts";

export interface VolumeRecord {
  id: string; // the volume's name
  /** `local`, or a plugin's name. */
  driver: string;
  createdAt: string;
  /** Null: none were given. */
  labels: Record<string, string> | null;
  options: Record<string, string> | null;
  scope: "local" | "global";
  /** Made for one container without a name: goes with `rm -v` and `--rm`. */
  anonymous: boolean;
  /** Where a plugin last said that it is on the host. */
  mountpoint?: string;
  /** It is being imported or cloned: nobody sees it until it is whole, and who opens the volumes next takes it away. */
  making?: boolean;
  /** The image's content is being copied into this part of it, "" for all: what is there is half of it. */
  filling?: string;
  /** Its removal has begun; who opens the volumes next finishes it. */
  removing?: boolean;
}

/** A container's use of a volume, or that of an export, a copy … while it goes on. */
export interface VolumeUse {
  id: string; // VOLUME/CONTAINER
  volume: string;
  containerId: string;
  /** Asked for without a name: `rm -v` of this container takes the volume along, when nobody else uses it. */
  anonymous: boolean;
  /** It runs with it, or is about to: a volume that is a mount stays mounted. */
  active?: boolean;
  /** What the driver knows this use by, from a mount to its unmount, also under the next daemon. */
  mountId?: string;
  /** Where the driver mounted it. */
  path?: string;
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
  /** volume: its driver, once it is there. */
  driver?: string;
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

export interface CreateVolume {
  name?: string;
  driver?: string;
  labels?: Record<string, string> | null;
  options?: Record<string, string> | null;
}

/** A volume's files on the host, for as long as the hold lasts: nobody removes the volume meanwhile. */
export interface VolumeHold extends AsyncDisposable {
  record: VolumeRecord;
  path: string;
}

export type VolumeEvent = "create" | "destroy";

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
  /** A `realise` under way waits no longer for a driver: it fails, and is undone. For a container that is to be removed. */
  giveUp(containerId: string): void;
  /** After each end, and after a start that failed: volumes that are mounts go with the last container that ran. */
  letGo(containerId: string): Promise<void>;
  /** Whether something is still mounted for it. */
  isHeldBy(containerId: string): boolean;
  /** What realise gave, and HostConfig.Tmpfs (which plan checks but leaves out), in the form of BundleInput.mounts. */
  toBundle(realised: RealisedMount[], tmpfs?: Record<string, string>): BundleInput["mounts"];
  /** Whether copyUp has anything to look at. */
  copiesUp(mounts: ResolvedMount[]): boolean;
  /**
   * Copies the image's content of each copyUp volume that is empty; `rootfs` is the mounted root of the container, which doesn't run
   * yet. Errors: invalid for a file in the volume's place; system when the disk is full, and the volumes are empty then.
   */
  copyUp(containerId: string, mounts: ResolvedMount[], rootfs: string): Promise<void>;
  /** One that is there already is given as it is. Errors: invalid, not-found (the driver), conflict (another driver's), in Docker's words. */
  create(request: CreateVolume): Promise<Volume>;
  /** Of the rows, without asking anybody. */
  find(name: string): VolumeRecord | undefined;
  /** As its driver has it. Errors: not-found "get NAME: no such volume"; unavailable. */
  inspect(name: string): Promise<Volume>;
  /** Filters: dangling, driver, label, name; refuses others in Docker's words. A driver that can't be asked is a warning. */
  list(filters?: VolumeFilters): Promise<{ volumes: Volume[]; warnings: string[] }>;
  /** Removes anonymous volumes that nobody uses (with filter all=true named ones too); filters label, label!, all. */
  prune(filters?: VolumeFilters): Promise<{ VolumesDeleted: string[]; SpaceReclaimed: number }>;
  /** Ids of the containers that use it, and names of other uses. */
  usersOf(name: string): string[];
  /** `force`: also when its driver fails, or is gone. */
  remove(name: string, options: { force: boolean }): Promise<void>;
  /** The host's path; empty for a plugin's that is not mounted. */
  mountpoint(name: string): string;
  /** Bytes on disk; undefined for what is no folder of ours, as a mount or a plugin's. */
  usage(name: string): Promise<number | undefined>;
  /** Keeps it, mounted, for something that is no container: `use` is what people read of it ("an export"). */
  hold(name: string, use: string): Promise<VolumeHold>;
  /**
   * Makes a local volume with what `fill` puts into a folder, or fills one that is there, is empty and has no users. It is seen when
   * it is whole; else, also when this process is killed, nothing is left. Errors: conflict; those of `fill`.
   */
  makeFilled(
    request: { name: string; labels?: Record<string, string> },
    fill: (folder: string) => Promise<void>,
  ): Promise<Volume>;
  /** Names of the drivers in use. */
  drivers(): string[];
}
