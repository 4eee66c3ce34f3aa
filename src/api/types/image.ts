// The image part of the Engine API's vocabulary (version 1.51), as written by `npm run api-types`.
import type { HealthConfig } from "./container.ts";

/** Configuration of the image. These fields are used as defaults when starting a container from the image. */
export interface ImageConfig {
  /** The user that commands are run as inside the container. */
  User?: string;
  /** An object mapping ports to an empty object in the form: */
  ExposedPorts?: Record<string, Record<string, unknown>> | null;
  /**
   * A list of environment variables to set inside the container in the form `["VAR=value", ...]`. A
   * variable without `=` is removed from the environment, rather than to have an empty value.
   */
  Env?: string[];
  /** Command to run specified as a string or an array of strings. */
  Cmd?: string[];
  Healthcheck?: HealthConfig;
  /** Command is already escaped (Windows only) */
  ArgsEscaped?: boolean | null;
  /** An object mapping mount point paths inside the container to empty objects. */
  Volumes?: Record<string, Record<string, unknown>>;
  /** The working directory for commands to run in. */
  WorkingDir?: string;
  /** The entry point for the container as a string or an array of strings. */
  Entrypoint?: string[];
  /** `ONBUILD` metadata that were defined in the image's `Dockerfile`. */
  OnBuild?: string[] | null;
  /** User-defined key/value metadata. */
  Labels?: Record<string, string>;
  /** Signal to stop a container as a string or unsigned integer. */
  StopSignal?: string | null;
  /** Shell for when `RUN`, `CMD`, and `ENTRYPOINT` uses a shell. */
  Shell?: string[] | null;
}

/** Information about the storage driver used to store the container's and image's filesystem. */
export interface DriverData {
  /** Name of the storage driver. */
  Name: string;
  /** Low-level storage metadata, provided as key/value pairs. */
  Data: Record<string, string>;
}

/** Change in the container's filesystem. */
export interface FilesystemChange {
  /** Path to file or directory that has changed. */
  Path: string;
  Kind: ChangeType;
}

/** Kind of change */
export type ChangeType = number;

/** Information about an image in the local image cache. */
export interface ImageInspect {
  /** ID is the content-addressable ID of an image. */
  Id?: string;
  /**
   * Descriptor is an OCI descriptor of the image target. In case of a multi-platform image, this descriptor
   * points to the OCI index or a manifest list.
   */
  Descriptor?: OCIDescriptor | null;
  /**
   * Manifests is a list of image manifests available in this image. It provides a more detailed view of the
   * platform-specific image manifests or other image-attached data like build attestations.
   */
  Manifests?: ImageManifestSummary[] | null;
  /** List of image names/tags in the local image cache that reference this image. */
  RepoTags?: string[];
  /**
   * List of content-addressable digests of locally available image manifests that the image is referenced
   * from. Multiple manifests can refer to the same image.
   */
  RepoDigests?: string[];
  /** ID of the parent image. */
  Parent?: string;
  /** Optional message that was set when committing or importing the image. */
  Comment?: string;
  /**
   * Date and time at which the image was created, formatted in [RFC
   * 3339](https://www.ietf.org/rfc/rfc3339.txt) format with nano-seconds.
   */
  Created?: string | null;
  /** The version of Docker that was used to build the image. */
  DockerVersion?: string;
  /**
   * Name of the author that was specified when committing the image, or as specified through MAINTAINER
   * (deprecated) in the Dockerfile.
   */
  Author?: string;
  Config?: ImageConfig;
  /** Hardware CPU architecture that the image runs on. */
  Architecture?: string;
  /** CPU architecture variant (presently ARM-only). */
  Variant?: string | null;
  /** Operating System the image is built to run on. */
  Os?: string;
  /** Operating System version the image is built to run on (especially for Windows). */
  OsVersion?: string | null;
  /** Total size of the image including all layers it is composed of. */
  Size?: number;
  GraphDriver?: DriverData;
  /** Information about the image's RootFS, including the layer IDs. */
  RootFS?: {
    Type: string;
    Layers?: string[];
  };
  /**
   * Additional metadata of the image in the local cache. This information is local to the daemon, and not
   * part of the image itself.
   */
  Metadata?: {
    /**
     * Date and time at which the image was last tagged in [RFC 3339](https://www.ietf.org/rfc/rfc3339.txt)
     * format with nano-seconds.
     */
    LastTagTime?: string | null;
  };
}

export interface ImageSummary {
  /** ID is the content-addressable ID of an image. */
  Id: string;
  /** ID of the parent image. */
  ParentId: string;
  /** List of image names/tags in the local image cache that reference this image. */
  RepoTags: string[];
  /**
   * List of content-addressable digests of locally available image manifests that the image is referenced
   * from. Multiple manifests can refer to the same image.
   */
  RepoDigests: string[];
  /** Date and time at which the image was created as a Unix timestamp (number of seconds since EPOCH). */
  Created: number;
  /** Total size of the image including all layers it is composed of. */
  Size: number;
  /** Total size of image layers that are shared between this image and other images. */
  SharedSize: number;
  /** User-defined key/value metadata. */
  Labels: Record<string, string>;
  /** Number of containers using this image. Includes both stopped and running containers. */
  Containers: number;
  /**
   * Manifests is a list of manifests available in this image. It provides a more detailed view of the
   * platform-specific image manifests or other image-attached data like build attestations.
   */
  Manifests?: ImageManifestSummary[];
  /**
   * Descriptor is an OCI descriptor of the image target. In case of a multi-platform image, this descriptor
   * points to the OCI index or a manifest list.
   */
  Descriptor?: OCIDescriptor | null;
}

export interface AuthConfig {
  username?: string;
  password?: string;
  /** Email is an optional value associated with the username. */
  email?: string;
  serveraddress?: string;
}

export interface BuildInfo {
  id?: string;
  stream?: string;
  /** errors encountered during the operation. */
  error?: string | null;
  errorDetail?: ErrorDetail;
  status?: string;
  /** Progress is a pre-formatted presentation of progressDetail. */
  progress?: string | null;
  progressDetail?: ProgressDetail;
  aux?: ImageID;
}

/** BuildCache contains information about a build cache record. */
export interface BuildCache {
  /** Unique ID of the build cache record. */
  ID?: string;
  /** List of parent build cache record IDs. */
  Parents?: string[] | null;
  /** Cache record type. */
  Type?: "internal" | "frontend" | "source.local" | "source.git.checkout" | "exec.cachemount" | "regular";
  /** Description of the build-step that produced the build cache. */
  Description?: string;
  /** Indicates if the build cache is in use. */
  InUse?: boolean;
  /** Indicates if the build cache is shared. */
  Shared?: boolean;
  /** Amount of disk space used by the build cache (in bytes). */
  Size?: number;
  /**
   * Date and time at which the build cache was created in [RFC 3339](https://www.ietf.org/rfc/rfc3339.txt)
   * format with nano-seconds.
   */
  CreatedAt?: string;
  /**
   * Date and time at which the build cache was last used in [RFC
   * 3339](https://www.ietf.org/rfc/rfc3339.txt) format with nano-seconds.
   */
  LastUsedAt?: string | null;
  UsageCount?: number;
}

/** Image ID or Digest */
export interface ImageID {
  ID?: string;
}

export interface CreateImageInfo {
  id?: string;
  /** errors encountered during the operation. */
  error?: string | null;
  errorDetail?: ErrorDetail;
  status?: string;
  /** Progress is a pre-formatted presentation of progressDetail. */
  progress?: string | null;
  progressDetail?: ProgressDetail;
}

export interface PushImageInfo {
  /** errors encountered during the operation. */
  error?: string | null;
  errorDetail?: ErrorDetail;
  status?: string;
  /** Progress is a pre-formatted presentation of progressDetail. */
  progress?: string | null;
  progressDetail?: ProgressDetail;
}

export interface ErrorDetail {
  code?: number;
  message?: string;
}

export interface ProgressDetail {
  current?: number;
  total?: number;
  /** What is counted, where it isn't bytes ("s": seconds). Not in the description; moby's jsonmessage has both. */
  units?: string;
  hidecounts?: boolean;
}

/** Response to an API call that returns just an Id */
export interface IDResponse {
  /** The id of the newly created object. */
  Id: string;
}

export interface ImageDeleteResponseItem {
  /** The image ID of an image that was untagged */
  Untagged?: string;
  /** The image ID of an image that was deleted */
  Deleted?: string;
}

/** RegistryServiceConfig stores daemon registry services configuration. */
export type RegistryServiceConfig = {
  /**
   * List of IP ranges of insecure registries, using the CIDR syntax ([RFC
   * 4632](https://tools.ietf.org/html/4632)). Insecure registries accept un-encrypted (HTTP) and/or
   * untrusted (HTTPS with certificates from unknown CAs) communication.
   */
  InsecureRegistryCIDRs?: string[];
  IndexConfigs?: Record<string, IndexInfo>;
  /** List of registry URLs that act as a mirror for the official (`docker.io`) registry. */
  Mirrors?: string[];
} | null;

/** IndexInfo contains information about a registry. */
export type IndexInfo = {
  /** Name of the registry, such as "docker.io". */
  Name?: string;
  /** List of mirrors, expressed as URIs. */
  Mirrors?: string[];
  /** Indicates if the registry is part of the list of insecure registries. */
  Secure?: boolean;
  /** Indicates whether this is an official registry (i.e., Docker Hub / docker.io) */
  Official?: boolean;
} | null;

/**
 * A descriptor struct containing digest, media type, and size, as defined in the [OCI Content Descriptors
 * Specification](https://github.com/opencontainers/image-spec/blob/v1.0.1/descriptor.md).
 */
export interface OCIDescriptor {
  /** The media type of the object this schema refers to. */
  mediaType?: string;
  /** The digest of the targeted content. */
  digest?: string;
  /** The size in bytes of the blob. */
  size?: number;
  /** List of URLs from which this object MAY be downloaded. */
  urls?: string[] | null;
  /** Arbitrary metadata relating to the targeted content. */
  annotations?: Record<string, string> | null;
  /**
   * Data is an embedding of the targeted content. This is encoded as a base64 string when marshalled to
   * JSON (automatically, by encoding/json). If present, Data can be used directly to avoid fetching the
   * targeted content.
   */
  data?: string | null;
  platform?: OCIPlatform;
  /** ArtifactType is the IANA media type of this artifact. */
  artifactType?: string | null;
}

/**
 * Describes the platform which the image in the manifest runs on, as defined in the [OCI Image Index
 * Specification](https://github.com/opencontainers/image-spec/blob/v1.0.1/image-index.md).
 */
export type OCIPlatform = {
  /** The CPU architecture, for example `amd64` or `ppc64`. */
  architecture?: string;
  /** The operating system, for example `linux` or `windows`. */
  os?: string;
  /** Optional field specifying the operating system version, for example on Windows `10.0.19041.1165`. */
  "os.version"?: string;
  /**
   * Optional field specifying an array of strings, each listing a required OS feature (for example on
   * Windows `win32k`).
   */
  "os.features"?: string[];
  /**
   * Optional field specifying a variant of the CPU, for example `v7` to specify ARMv7 when architecture is
   * `arm`.
   */
  variant?: string;
} | null;

/** Describes the result obtained from contacting the registry to retrieve image metadata. */
export interface DistributionInspect {
  Descriptor: OCIDescriptor;
  /** An array containing all platforms supported by the image. */
  Platforms: OCIPlatform[];
}

/** ImageManifestSummary represents a summary of an image manifest. */
export interface ImageManifestSummary {
  /** ID is the content-addressable ID of an image and is the same as the digest of the image manifest. */
  ID: string;
  Descriptor: OCIDescriptor;
  /** Indicates whether all the child content (image config, layers) is fully available locally. */
  Available: boolean;
  Size: {
    /**
     * Total is the total size (in bytes) of all the locally present data (both distributable and
     * non-distributable) that's related to this manifest and its children. This equal to the sum of
     * [Content] size AND all the sizes in the [Size] struct present in the Kind-specific data struct. For
     * example, for an image kind (Kind == "image") this would include the size of the image content and
     * unpacked image snapshots ([Size.Content] + [ImageData.Size.Unpacked]).
     */
    Total: number;
    /**
     * Content is the size (in bytes) of all the locally present content in the content store (e.g. image
     * config, layers) referenced by this manifest and its children. This only includes blobs in the content
     * store.
     */
    Content: number;
  };
  /** The kind of the manifest. */
  Kind: "image" | "attestation" | "unknown";
  /** The image data for the image manifest. This field is only populated when Kind is "image". */
  ImageData?: {
    /**
     * OCI platform of the image. This will be the platform specified in the manifest descriptor from the
     * index/manifest list. If it's not available, it will be obtained from the image config.
     */
    Platform: OCIPlatform;
    /** The IDs of the containers that are using this image. */
    Containers: string[];
    Size: {
      /**
       * Unpacked is the size (in bytes) of the locally unpacked (uncompressed) image content that's
       * directly usable by the containers running this image. It's independent of the distributable content
       * - e.g. the image might still have an unpacked data that's still used by some container even when
       * the distributable/compressed content is already gone.
       */
      Unpacked: number;
    };
  } | null;
  /** The image data for the attestation manifest. This field is only populated when Kind is "attestation". */
  AttestationData?: {
    /** The digest of the image manifest that this attestation is for. */
    For: string;
  } | null;
}
