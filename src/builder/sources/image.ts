// `docker-image://NAME`: a base image. Its key is known when its manifest is; its layers come when somebody needs them.
import type { SourceOp } from "../../buildkit/messages/ops_pb.ts";
import type { OperationEnvironment } from "../ops/environment.ts";
import type { Vertex } from "../solver/graph.ts";
import type { Source } from "../solver/operation.ts";
import { layerLimitOf, openImage, platformOf } from "./image-ref.ts";
import { transferParts } from "./transfer-parts.ts";

export function imageSource(vertex: Vertex, op: SourceOp, environment: OperationEnvironment): Source {
  const reference = op.identifier.slice("docker-image://".length);
  const { host } = environment;
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
      const limit = layerLimitOf(op, "image.layerlimit");
      const opened = openImage(vertex, image, environment, { lease, progress, signal, limit });
      environment.materials.image(reference, image);
      return opened;
    },
  };
}
