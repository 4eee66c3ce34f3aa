// `docker-image://NAME`: a base image. Its key is known when its manifest is; its layers come when somebody needs them.
import type { SourceOp } from "../../buildkit/messages/ops_pb.ts";
import { digestPaths } from "../../store/index.ts";
import type { SnapshotId } from "../../store/types.ts";
import { recordLayerBlobs } from "../layers/layer-blobs.ts";
import type { OperationEnvironment } from "../ops/environment.ts";
import type { Vertex } from "../solver/graph.ts";
import type { Source } from "../solver/operation.ts";
import type { Ref } from "../types.ts";
import { transferParts } from "./transfer-parts.ts";

export function imageSource(vertex: Vertex, op: SourceOp, environment: OperationEnvironment): Source {
  const reference = op.identifier.slice("docker-image://".length);
  const { host, views } = environment;
  return {
    kind: "source",
    async open({ progress, signal, lease }) {
      progress.start();
      const mode = op.attrs["image.resolvemode"] === "pull" ? "pull" : "default";
      const part = progress.part(`resolve ${reference}`);
      part({});
      const image = await host.images.resolve(reference, platformOf(vertex, environment), {
        mode: /@sha\d+:/.test(reference) ? "default" : mode,
        auth: (name) => environment.credentials(name),
        progress: transferParts(progress),
        signal,
      });
      part({ done: true });
      let layers: Promise<SnapshotId | undefined> | undefined;
      const bring = async () => {
        const stack = await host.images.unpack(image, lease, { progress: transferParts(progress), signal });
        recordLayerBlobs(host.store, stack);
        return stack.at(-1)?.snapshot;
      };
      const snapshot = () => (layers ??= bring());
      const cached = image.chain === undefined || host.store.snapshots.layer(image.chain) !== undefined;
      const ref: Ref = {
        key: `image ${image.chain ?? "empty"}`,
        vertex: vertex.digest,
        snapshot,
        view: async () => views.open(await snapshot()),
        digests: async (selectors) => {
          await using view = views.open(await snapshot());
          return await digestPaths({ root: view.path, selectors, signal });
        },
      };
      environment.materials.image(reference, image);
      return { ref, cached };
    },
  };
}

function platformOf({ op: { platform } }: Vertex, { host }: OperationEnvironment) {
  if (!platform) return host.environment.platform;
  return {
    os: platform.os,
    architecture: platform.architecture,
    ...(platform.variant && { variant: platform.variant }),
  };
}
