// The volume part of the Engine API's vocabulary (version 1.51), as written by `npm run api-types`.
import type { ClusterVolume, ClusterVolumeSpec } from "./swarm.ts";

export interface Volume {
  /** Name of the volume. */
  Name: string;
  /** Name of the volume driver used by the volume. */
  Driver: string;
  /** Mount path of the volume on the host. */
  Mountpoint: string;
  /** Date/Time the volume was created. */
  CreatedAt?: string;
  /**
   * Low-level details about the volume, provided by the volume driver. Details are returned as a map with
   * key/value pairs: `{"key":"value","key2":"value2"}`.
   */
  Status?: Record<string, Record<string, unknown>>;
  /** User-defined key/value metadata. */
  Labels: Record<string, string>;
  /** The level at which the volume exists. Either `global` for cluster-wide, or `local` for machine level. */
  Scope: "local" | "global";
  ClusterVolume?: ClusterVolume;
  /** The driver specific options used when creating the volume. */
  Options: Record<string, string>;
  /**
   * Usage details about the volume. This information is used by the `GET /system/df` endpoint, and omitted
   * in other endpoints.
   */
  UsageData?: {
    /**
     * Amount of disk space used by the volume (in bytes). This information is only available for volumes
     * created with the `"local"` volume driver. For volumes created with other volume drivers, this field
     * is set to `-1` ("not available")
     */
    Size: number;
    /**
     * The number of containers referencing this volume. This field is set to `-1` if the reference-count is
     * not available.
     */
    RefCount: number;
  } | null;
}

/** Volume configuration */
export interface VolumeCreateOptions {
  /** The new volume's name. If not specified, Docker generates a name. */
  Name?: string;
  /** Name of the volume driver to use. */
  Driver?: string;
  /**
   * A mapping of driver options and values. These options are passed directly to the driver and are driver
   * specific.
   */
  DriverOpts?: Record<string, string>;
  /** User-defined key/value metadata. */
  Labels?: Record<string, string>;
  ClusterVolumeSpec?: ClusterVolumeSpec;
}

/** Volume list response */
export interface VolumeListResponse {
  /** List of volumes */
  Volumes?: Volume[];
  /** Warnings that occurred when fetching the list of volumes. */
  Warnings?: string[];
}
