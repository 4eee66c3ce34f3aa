// The door of the images room: what engine/ and api/ call.
import type { DistributionInspect, ImageInspect, ImageSummary } from "../api/types/image.ts";
import { notImplemented } from "../base/errors.ts";
import type { Digest } from "../oci/digest.ts";
import type { Platform } from "../oci/types.ts";
import type { ImageContext } from "./context.ts";
import type { Images, ImageUser, RegistryAuth } from "./types.ts";

export type { ImageContext } from "./context.ts";
export * from "./types.ts";

/** The Images interface over a store. Holds what runs at the moment (pulls that share their blobs). */
export function openImages(_context: ImageContext): Images {
  throw notImplemented("images");
}

/** `filters` as the API has them, parsed: name → values. */
export type ImageFilters = Record<string, string[]>;

/** GET /images/json. `inUse` names the containers of an image. Newest first. */
export function listImages(
  _context: ImageContext,
  _options: {
    all?: boolean;
    filters?: ImageFilters;
    sharedSize?: boolean;
    manifests?: boolean;
    inUse: (id: Digest) => ImageUser[];
  },
): Promise<ImageSummary[]> {
  throw notImplemented("listing images");
}

/** GET /images/{name}/json. `apiVersion` as [1, 51]: fields come and go with it. */
export function inspectImage(
  _context: ImageContext,
  _reference: string,
  _options: { platform?: Platform; manifests?: boolean; inUse?: (id: Digest) => ImageUser[] },
): Promise<ImageInspect> {
  throw notImplemented("inspecting an image");
}

/** One row of `docker history`. */
export interface ImageHistoryItem {
  Id: string;
  /** Unix time in seconds. */
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  Size: number;
  Comment: string;
}

/** GET /images/{name}/history, newest first. */
export function imageHistory(
  _context: ImageContext,
  _reference: string,
  _options: { platform?: Platform },
): Promise<ImageHistoryItem[]> {
  throw notImplemented("the history of an image");
}

/** POST /images/prune. `dangling=false` removes all that no container uses; `until`, `label`, `label!` narrow it. */
export function pruneImages(
  _context: ImageContext,
  _options: { filters: ImageFilters; inUse: (id: Digest) => ImageUser[] },
): Promise<{ ImagesDeleted: ({ Untagged: string } | { Deleted: string })[]; SpaceReclaimed: number }> {
  throw notImplemented("pruning images");
}

/** Bytes of all blobs and unpacked layers, for `system df`. */
export function imagesDiskUsage(_context: ImageContext): Promise<{ layersSize: number }> {
  throw notImplemented("the disk usage of images");
}

/** POST /auth: tries the credentials at the registry. Errors: unauthorized in the registry's words. */
export function checkAuth(
  _context: ImageContext,
  _auth: RegistryAuth,
): Promise<{ Status: string; IdentityToken: string }> {
  throw notImplemented("checking credentials");
}

/** GET /distribution/{name}/json: asks the registry, brings nothing here. */
export function inspectDistribution(
  _context: ImageContext,
  _reference: string,
  _options: { auth?: RegistryAuth; signal: AbortSignal },
): Promise<DistributionInspect> {
  throw notImplemented("inspecting an image in a registry");
}

/** The X-Registry-Auth header: base64url of a JSON object. A bad one counts as none, as in dockerd for pulls. */
export function decodeRegistryAuth(_header: string | undefined): RegistryAuth | undefined {
  throw notImplemented("X-Registry-Auth");
}
