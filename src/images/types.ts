// Images: a name and a root descriptor (an index or a manifest); the id is that descriptor's digest.
import type { ChainId, Digest } from "../oci/digest.ts";
import type { Descriptor, ImageConfig, Manifest, Platform } from "../oci/types.ts";
import type { RegistryAuth } from "../registry/types.ts";
import type { ImageRecord } from "../store/types.ts";
import type { CommitOptions } from "./commit.ts";

export type { RegistryAuth } from "../registry/types.ts";

/** One line of the JSON stream that pull, push, load and import answer with (Docker's jsonmessage). */
export interface ProgressMessage {
  id?: string;
  status?: string;
  progressDetail?: { current?: number; total?: number; hidecounts?: boolean; units?: string };
  aux?: unknown;
  stream?: string;
  error?: string;
  errorDetail?: { code?: number; message: string };
}
export type Progress = (message: ProgressMessage) => void;

/** What happened to an image, for `events`: action as Docker's, `id` the digest or the familiar name. */
export interface ImageEvent {
  action: "pull" | "push" | "tag" | "untag" | "delete" | "load" | "save" | "import" | "prune" | "create";
  id: string;
  /** As `docker events` shows them: `name`, and the image's labels. */
  attributes: Record<string, string>;
}

/** A container that uses an image, as far as images need to know. */
export interface ImageUser {
  containerId: string;
  running: boolean;
  /** The platform's manifest that it was made from, where that is known. */
  manifest?: Digest;
  /** What it was asked for by (`Config.Image`): prune keeps that name. Unknown: every name is kept. */
  reference?: string;
}

/** The image of one platform, ready to be run: unpacked, its parts read. */
export interface ResolvedImage {
  record: ImageRecord;
  /** Digest of the root descriptor: the image's id. */
  id: Digest;
  manifestDescriptor: Descriptor;
  manifest: Manifest;
  config: ImageConfig;
  platform: Platform;
  /** Top of the unpacked stack; undefined for an image without layers. */
  chain: ChainId | undefined;
}

export interface Images {
  /**
   * Finds by name, name@digest, id or unique prefix of an id. Errors: not-found "No such image: X",
   * or, when it is here for another platform only, not-found in the words of Docker's containerd store.
   */
  resolve(reference: string, platform?: Platform): Promise<ResolvedImage>;
  /** A manifest that is in the content store, named or not. Errors: not-found, where it or its config isn't. */
  resolveManifest(descriptor: Descriptor): Promise<ResolvedImage>;
  /** As resolve, and unpacks layers that aren't yet. */
  ensureUnpacked(image: ResolvedImage): Promise<ResolvedImage>;
  /**
   * Brings an image (by tag, by digest, or with `allTags` the whole repository) and unpacks it. The answer is the last
   * record written. `builtIn: false` forbids the images that come with Berth (`--pull=always`); the client asks for that
   * with the query parameter `builtIn=0` of POST /images/create.
   */
  pull(
    reference: string,
    options: {
      platform?: Platform;
      auth?: RegistryAuth;
      allTags?: boolean;
      builtIn?: boolean;
      progress: Progress;
      signal: AbortSignal;
    },
  ): Promise<ImageRecord>;
  /** A name without a tag pushes all tags of the repository. */
  push(
    reference: string,
    options: { platform?: Platform; auth?: RegistryAuth; progress: Progress; signal: AbortSignal },
  ): Promise<void>;
  load(
    archive: AsyncIterable<Uint8Array>,
    options: { progress: Progress; quiet: boolean; platform?: Platform },
  ): Promise<void>;
  save(references: string[], options: { platform?: Platform }): AsyncIterable<Uint8Array>;
  import(
    archive: AsyncIterable<Uint8Array>,
    options: {
      reference?: string;
      changes: string[];
      message?: string;
      platform?: Platform;
      progress: Progress;
    },
  ): Promise<Digest>;
  /** Makes an image of a container's changes; answers its id. */
  commit(options: CommitOptions): Promise<Digest>;
  tag(source: string, target: string): Promise<void>;
  /** `inUse` asks the engine which containers use an image id. Answers what was untagged and deleted. */
  remove(
    reference: string,
    options: {
      force: boolean;
      prune: boolean;
      inUse: (id: Digest) => ImageUser[];
      /** Removes only these platforms' manifests and layers (force only), as `rmi --platform`. */
      platforms?: Platform[];
    },
  ): Promise<({ Untagged: string } | { Deleted: string })[]>;
}
