// An image as a tree that others take from: told by its layers' digests, unpacked when somebody needs it.
import { invalid } from "../../base/errors.ts";
import type { SourceOp } from "../../buildkit/messages/ops_pb.ts";
import { chainIds } from "../../oci/digest.ts";
import type { Platform } from "../../oci/types.ts";
import type { LeaseId } from "../../store/types.ts";
import { recordLayerBlobs } from "../layers/layer-blobs.ts";
import type { OperationEnvironment } from "../ops/environment.ts";
import type { Vertex } from "../solver/graph.ts";
import type { OpenedSource } from "../solver/operation.ts";
import type { VertexProgress } from "../solver/progress.ts";
import type { BaseImage } from "../types.ts";
import { snapshotRef } from "./snapshot-ref.ts";
import { transferParts } from "./transfer-parts.ts";

export interface OpenImageOptions {
  lease: LeaseId;
  progress: VertexProgress;
  signal: AbortSignal;
  /** So many of its layers, from the lowest on; undefined: all. */
  limit: number | undefined;
  /** Brings the layers' archives, where unpacking doesn't by itself. */
  bring?(): Promise<void>;
}

export function openImage(
  vertex: Vertex,
  image: BaseImage,
  { host, views }: OperationEnvironment,
  { lease, progress, signal, limit, bring }: OpenImageOptions,
): OpenedSource {
  const unpack = async () => {
    await bring?.();
    const stack = await host.images.unpack(image, lease, { progress: transferParts(progress), signal });
    recordLayerBlobs(host.store, stack);
    return stack.slice(0, limit).at(-1)?.snapshot;
  };
  const chain =
    limit === undefined
      ? image.chain
      : chainIds((image.config.rootfs?.diff_ids ?? []).slice(0, limit)).at(-1);
  const made = snapshotRef(vertex, `image ${chain ?? "empty"}`, unpack, { views, signal });
  const platform = platformOf(vertex, { host });
  const ref = { ...made, image: { root: image.root, platform, chain, limit } };
  return { ref, cached: image.chain === undefined || host.store.snapshots.layer(image.chain) !== undefined };
}

/** Errors: invalid. */
export function layerLimitOf(op: SourceOp, name: string): number | undefined {
  const text = op.attrs[name];
  if (text === undefined) return undefined;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit <= 0) throw invalid(`invalid layer limit ${text}`);
  return limit;
}

/** What a source is asked for; the host's own where it doesn't say. */
export function platformOf(
  { op: { platform } }: Vertex,
  { host }: Pick<OperationEnvironment, "host">,
): Platform {
  if (!platform) return host.environment.platform;
  return {
    os: platform.os,
    architecture: platform.architecture,
    ...(platform.variant && { variant: platform.variant }),
  };
}
