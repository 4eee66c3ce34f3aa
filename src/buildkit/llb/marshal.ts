// Encodes a graph: each step after those that it takes from, named by the sha256 of its bytes.
import { create, equals, toBinary } from "@bufbuild/protobuf";
import { type Digest, digestOf } from "../../oci/digest.ts";
import { hostPlatform, normalizePlatform } from "../../oci/platform.ts";
import type { Platform } from "../../oci/types.ts";
import {
  type Definition,
  DefinitionSchema,
  type Input,
  type Op,
  type OpMetadata,
  OpMetadataSchema,
  OpSchema,
  type SourceInfo,
  SourceInfoSchema,
  type Source as SourceMessage,
  SourceSchema,
} from "../messages/ops_pb.ts";
import type { InputList, SourceFile, SourceLocation, Step, StepOptions, Tree } from "./types.ts";

export interface MarshalOptions {
  /** Of steps that say none; the host's without it. */
  readonly platform?: Platform;
}

/**
 * The graph that makes a tree; an empty one for scratch. The same tree gives the same bytes.
 *
 * @example await client.build({ definition: marshal(run(image("alpine"), { args: ["date"] }).root) });
 */
export function marshal(tree: Tree, options: MarshalOptions = {}): Definition {
  const graph = new GraphWriter(options.platform ?? normalizePlatform(hostPlatform()));
  if (!tree.step) return create(DefinitionSchema);
  graph.writeAll(tree.step);
  return graph.finish(tree);
}

/** The step that makes a tree, by its digest: what warnings and progress name it by. */
export function digestOfTree(tree: Tree, options: MarshalOptions = {}): Digest | undefined {
  const graph = new GraphWriter(options.platform ?? normalizePlatform(hostPlatform()));
  if (!tree.step) return undefined;
  graph.writeAll(tree.step);
  return graph.digestOf(tree.step);
}

/** A source file as the protocol has it. */
export const sourceInfo = ({ filename, data, language, definition }: SourceFile): SourceInfo =>
  create(SourceInfoSchema, { filename, data, language, ...(definition && { definition }) });

class GraphWriter {
  private readonly digests = new Map<Step, Digest>();
  private readonly written = new Set<Digest>();
  private readonly def: Uint8Array[] = [];
  private readonly metadata: Record<string, OpMetadata> = {};
  private readonly locations = new Map<Digest, SourceLocation[]>();

  constructor(private readonly platform: Platform) {}

  /** Depth first, with a stack of its own: a file may have more steps than calls can be nested. */
  writeAll(root: Step): void {
    const waiting = [{ step: root, next: 0 }];
    for (let top = waiting.at(-1); top; top = waiting.at(-1)) {
      const input = top.step.inputs[top.next++]?.step;
      if (input) {
        if (!this.digests.has(input)) waiting.push({ step: input, next: 0 });
      } else if (top.next > top.step.inputs.length) {
        this.write(top.step);
        waiting.pop();
      }
    }
  }

  digestOf(step: Step): Digest {
    const digest = this.digests.get(step);
    if (!digest) throw new Error("a step takes from one that is not among its inputs");
    return digest;
  }

  finish(tree: Tree): Definition {
    this.def.push(toBinary(OpSchema, create(OpSchema, { inputs: [this.edge(tree)] })));
    const { def, metadata } = this;
    return create(DefinitionSchema, { def, metadata, source: this.source() });
  }

  private write(step: Step): void {
    if (this.digests.has(step)) return;
    const bytes = step.encoded?.bytes ?? this.encode(step);
    const digest = digestOf(bytes);
    this.digests.set(step, digest);
    this.metadata[digest] = merged(this.metadata[digest] ?? step.encoded?.metadata, step.options);
    const { locations = [] } = step.options;
    this.locations.set(digest, [...(this.locations.get(digest) ?? []), ...locations]);
    if (this.written.has(digest)) return;
    this.written.add(digest);
    this.def.push(bytes);
  }

  private encode(step: Step): Uint8Array {
    const inputs = this.inputList();
    const op = step.encode(inputs);
    const platform = step.platformSpecific ? (step.options.platform ?? this.platform) : undefined;
    const message = create(OpSchema, {
      op,
      inputs: [...inputs.list],
      constraints: {},
      ...(platform && { platform: encodePlatform(platform) }),
    });
    return toBinary(OpSchema, message);
  }

  private inputList(): InputList {
    const list: Input[] = [];
    const number = (tree: Tree, repeat = false): bigint => {
      if (!tree.step) return -1n;
      const edge = this.edge(tree);
      const known = repeat
        ? -1
        : list.findIndex(({ digest, index }) => digest === edge.digest && index === edge.index);
      return BigInt(known >= 0 ? known : list.push(edge) - 1);
    };
    return { list, number };
  }

  private edge({ step, output }: Tree): Input {
    return { $typeName: "pb.Input", digest: step ? this.digestOf(step) : "", index: BigInt(output) };
  }

  private source(): SourceMessage {
    const infos: SourceInfo[] = [];
    const indexes = new Map<SourceFile, number>();
    const indexOf = (file: SourceFile): number => {
      const known = indexes.get(file);
      if (known !== undefined) return known;
      const info = sourceInfo(file);
      const same = infos.findIndex((other) => equals(SourceInfoSchema, other, info));
      const index = same >= 0 ? same : infos.push(info) - 1;
      indexes.set(file, index);
      return index;
    };
    const locations = [...this.locations].map(([digest, places]) => {
      const list = places.map(({ file, ranges }) => ({
        sourceIndex: indexOf(file),
        ranges: ranges.map(({ start, end }) => ({ start, end })),
      }));
      return [digest, { locations: list }] as const;
    });
    return create(SourceSchema, { infos, locations: Object.fromEntries(locations) });
  }
}

/** Two steps of the same bytes are one: what was said of either counts. */
function merged(before: OpMetadata | undefined, options: StepOptions): OpMetadata {
  const { name, description, ignoreCache = false, progressGroup } = options;
  const group = progressGroup ? { weak: false, ...progressGroup } : before?.progressGroup;
  return create(OpMetadataSchema, {
    ...(before?.exportCache && { exportCache: before.exportCache }),
    caps: before?.caps ?? {},
    ignoreCache: ignoreCache || (before?.ignoreCache ?? false),
    description: { ...before?.description, ...description, ...(name && { "llb.customname": name }) },
    ...(group && { progressGroup: group }),
  });
}

function encodePlatform(platform: Platform): NonNullable<Op["platform"]> {
  const { os, architecture, variant = "" } = platform;
  const osVersion = platform["os.version"] ?? "";
  const osFeatures = platform["os.features"] ?? [];
  return { $typeName: "pb.Platform", os, architecture, variant, osVersion, osFeatures };
}
