// What a build knows of its steps, as others may: by keys that don't hang on this daemon, and with the snapshots of what is here.
//
// A step that was built without the cache has a key that nobody else can find (solver/build.ts). Here it, and what stands on it, gets
// the key that it would have had.
import type { Digest } from "../../../oci/digest.ts";
import type { Platform } from "../../../oci/types.ts";
import type { SnapshotId } from "../../../store/types.ts";
import { contentKey, type KnownStep } from "../../solver/build.ts";
import type { Vertex } from "../../solver/graph.ts";
import { keyOf } from "../../solver/keys.ts";
import type { Ref } from "../../types.ts";
import { execRecord, imageRecords } from "./buildkit-keys.ts";
import type { BuildkitRecord } from "./marshal.ts";

export interface PortableStep {
  key: string;
  /** Keys that lead to it. */
  aliases: readonly string[];
  /** What it made, where that is one tree that is here. */
  snapshot?: SnapshotId;
  createdAt: string;
  buildkit?: BuildkitRecord;
}

/**
 * Steps, those first that others stand on. `bring`: what is in an imported cache alone is brought. Errors: what a step gives
 * that has to be run again.
 */
export async function portableSteps(
  steps: readonly KnownStep[],
  { bring, platform }: { bring: boolean; platform: Platform },
): Promise<PortableStep[]> {
  const others = new Map<string, string>();
  const portable = (key: string): string => {
    const [, own = key, output = ""] = OUTPUT.exec(key) ?? [];
    return (others.get(own) ?? own) + output;
  };
  const found: PortableStep[] = [];
  const known = new Map<Digest, BuildkitRecord>();
  for (const { vertex, step, key, inputs, record } of steps) {
    const atOnce = keyOf(
      step.operation,
      inputs.map((input) => portable(input.key)),
    );
    const isOwn = !key.includes("#") && inputs.every((input) => portable(input.key) === input.key);
    const byContent = step.selectors.size > 0;
    const own = !byContent ? atOnce : isOwn ? key : await contentKey(step, inputs, portable);
    if (own !== key) others.set(key, own);
    const made = await record(bring);
    const [snapshot, ...more] = made?.outputs ?? [];
    const buildkit = buildkitRecord(vertex, inputs, platform, known);
    if (buildkit) known.set(vertex.digest, buildkit);
    found.push({
      key: own,
      aliases: own === atOnce ? [] : [atOnce],
      ...(snapshot && more.length === 0 && { snapshot }),
      createdAt: made?.createdAt ?? new Date(0).toISOString(),
      ...(buildkit && { buildkit }),
    });
  }
  return found;
}

/** Of a step that stands on an image, or on another that has one. */
function buildkitRecord(
  { op, inputs: [input] }: Vertex,
  [ref]: readonly Ref[],
  platform: Platform,
  known: ReadonlyMap<Digest, BuildkitRecord>,
): BuildkitRecord | undefined {
  const digest = execRecord(op, platform);
  if (!digest || !input || !ref || input.index !== 0) return undefined;
  if (ref.image) return { digest, on: imageRecords(ref.image).map((image) => ({ digest: image, on: [] })) };
  const below = known.get(input.vertex.digest);
  return below && { digest, on: [below] };
}

/** A step's key, and which of its outputs. */
const OUTPUT = /^(sha256:[0-9a-f]{64}(?:#[0-9a-f-]+)?)(\/\d+)?$/;
