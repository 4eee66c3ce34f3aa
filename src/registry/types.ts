// The OCI distribution protocol (opencontainers/distribution-spec v1.1, spec.md) as this room speaks it to the others.
import type { Digest } from "../oci/digest.ts";
import type { Reference } from "../oci/reference.ts";
import type { Descriptor } from "../oci/types.ts";

/** Credentials as X-Registry-Auth brings them. Never logged, never sent on to another host. */
export interface RegistryAuth {
  username?: string;
  password?: string;
  /** A refresh token, as `login` gets it from a token service. */
  identitytoken?: string;
  /** A bearer token to be sent as it is. */
  registrytoken?: string;
  serveraddress?: string;
}

/** The part of the daemon's configuration that says how registries are reached. */
export interface RegistrySettings {
  /** Hosts (`host:port`) and CIDR blocks where plain HTTP and unknown certificates are accepted. */
  insecureRegistries: string[];
  /** Base URLs that are asked before docker.io. */
  registryMirrors: string[];
  /** How often one request or download is tried in all. */
  maxDownloadAttempts: number;
}

/** One place that serves a repository: the registry itself, or a mirror of it. */
export interface Endpoint {
  /** `https://registry-1.docker.io`, without a slash at its end. */
  readonly base: string;
  /** Host and port, as credentials and certificates are kept under. */
  readonly host: string;
  readonly mirror: boolean;
  /** Certificates that nobody vouches for are accepted (`insecure-registries`, loopback). */
  readonly insecure: boolean;
}

export interface FetchedManifest {
  bytes: Uint8Array;
  mediaType: string;
  /** Computed from the bytes. */
  digest: Digest;
}

export interface BlobBody {
  body: AsyncIterable<Uint8Array>;
  /** Where the body starts: less than asked for when the server ignored the range. */
  offset: number;
}

/** One repository of one registry, for the length of one operation. */
export interface Repository {
  readonly reference: Reference;
  /** Somebody is there at one of its addresses, so far as was seen: answered, or failed otherwise than by absence. */
  readonly reached: boolean;
  /** What a tag or digest points at. Errors: not-found. */
  resolve(tagOrDigest: string): Promise<Descriptor>;
  /** Errors: not-found; system when the bytes are not those of the digest asked for. */
  manifest(digest: Digest): Promise<FetchedManifest>;
  /**
   * The bytes from `offset` on. They are not verified here: the content store does that at the end. `signal` replaces
   * the operation's own: a download may be shared, and outlive the one that began it.
   */
  blob(descriptor: Descriptor, offset: number, signal?: AbortSignal): Promise<BlobBody>;
  tags(): Promise<string[]>;
  hasBlob(digest: Digest): Promise<boolean>;
  hasManifest(tagOrDigest: string, digest: Digest): Promise<boolean>;
  /** Takes a blob over from another repository of the same registry; false when the registry would not. */
  mountBlob(digest: Digest, from: string): Promise<boolean>;
  /** `open` gives the bytes from an offset on; `sent` is told the bytes so far. */
  uploadBlob(
    descriptor: Descriptor,
    open: (from: number) => Blob,
    sent: (bytes: number) => void,
  ): Promise<void>;
  putManifest(tagOrDigest: string, bytes: Uint8Array, mediaType: string): Promise<void>;
}
