// `berth-upload://ID`: a folder that came with the request of the build itself (POST /build), there as long as the build. Only the
// build that it came with can name it.
import { invalid } from "../../base/errors.ts";
import type { SourceOp } from "../../buildkit/messages/ops_pb.ts";
import { digestPaths, type PathSelector } from "../../store/index.ts";
import type { SnapshotId } from "../../store/types.ts";
import type { OperationEnvironment } from "../ops/environment.ts";
import type { Edge, Vertex } from "../solver/graph.ts";
import type { Source } from "../solver/operation.ts";
import { layerOf, WHOLE_FOLDER } from "./snapshot-ref.ts";

export const UPLOAD_SCHEME = "berth-upload";
const PREFIX = `${UPLOAD_SCHEME}://`;

/** The folder that an edge stands for; undefined: it is no upload. */
export function uploadedFolder(
  edge: Edge | undefined,
  uploads: ReadonlyMap<string, string>,
): string | undefined {
  const { op } = edge?.vertex.op ?? {};
  return op?.case === "source" && op.value.identifier.startsWith(PREFIX)
    ? uploads.get(op.value.identifier.slice(PREFIX.length))
    : undefined;
}

export function uploadSource(vertex: Vertex, op: SourceOp, environment: OperationEnvironment): Source {
  return {
    kind: "source",
    async open({ progress, signal, lease }) {
      progress.start();
      const id = op.identifier.slice(PREFIX.length);
      const folder = environment.uploads.get(id);
      if (folder === undefined) throw invalid(`no upload ${id} came with this build`);
      const digests = (selectors: PathSelector[]) => digestPaths({ root: folder, selectors, signal });
      const [whole] = await digests([{ path: "/" }]);
      let made: Promise<SnapshotId> | undefined;
      const { store } = environment.host;
      /** As a layer, for who writes on it or makes an image of it. */
      const copied = () => layerOf(store, folder, WHOLE_FOLDER, { lease, signal });
      return {
        ref: {
          key: `upload ${whole}`,
          vertex: vertex.digest,
          snapshot: () => (made ??= copied()),
          view: async () => ({ path: folder, [Symbol.asyncDispose]: async () => {} }),
          digests,
        },
        cached: false,
        isFolder: true,
      };
    },
  };
}
