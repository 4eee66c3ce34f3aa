// `berth-upload://ID`: a folder that came with the request of the build itself (POST /build), there as long as the build. Only the
// build that it came with can name it.
import { invalid } from "../../base/errors.ts";
import type { SourceOp } from "../../buildkit/messages/ops_pb.ts";
import type { Digest } from "../../oci/digest.ts";
import { digestPaths, type PathSelector } from "../../store/index.ts";
import type { SnapshotId } from "../../store/types.ts";
import type { OperationEnvironment } from "../ops/environment.ts";
import type { Edge, Vertex } from "../solver/graph.ts";
import type { Source } from "../solver/operation.ts";
import { layerOf, WHOLE_FOLDER } from "./snapshot-ref.ts";

export const UPLOAD_SCHEME = "berth-upload";
const PREFIX = `${UPLOAD_SCHEME}://`;

/** A folder that came with the request. */
export interface Upload {
  readonly path: string;
  /** Resolves when the files are there. Errors: those of unpacking. */
  ready(): Promise<void>;
  /** What is known of it before it is unpacked. */
  readonly known: { ignoreFile: Uint8Array | undefined; digest?: Digest } | undefined;
}

/** What an edge stands for; undefined: it is no upload. */
export function uploadOf(edge: Edge | undefined, uploads: ReadonlyMap<string, Upload>): Upload | undefined {
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
      const upload = environment.uploads.get(id);
      if (!upload) throw invalid(`no upload ${id} came with this build`);
      const { path: folder, known } = upload;
      const digests = async (selectors: PathSelector[]) => {
        await upload.ready();
        return await digestPaths({ root: folder, selectors, signal });
      };
      const whole = known?.digest ?? (await digests([{ path: "/" }]))[0];
      if (known && whole) known.digest = whole;
      let made: Promise<SnapshotId> | undefined;
      const { store } = environment.host;
      /** As a layer, for who writes on it or makes an image of it. */
      const copied = async () => {
        await upload.ready();
        return await layerOf(store, folder, WHOLE_FOLDER, { lease, signal });
      };
      return {
        ref: {
          key: `upload ${whole}`,
          vertex: vertex.digest,
          snapshot: () => (made ??= copied()),
          view: async () => {
            await upload.ready();
            return { path: folder, [Symbol.asyncDispose]: async () => {} };
          },
          digests,
        },
        cached: false,
        isFolder: true,
      };
    },
  };
}
