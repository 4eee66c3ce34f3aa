// A definition (LLB) as a graph in memory: every vertex once, joined to those that it takes from.
import { fromBinary } from "@bufbuild/protobuf";
import { invalid, messageOf } from "../../base/errors.ts";
import {
  type Definition,
  type Input,
  type Op,
  type OpMetadata,
  OpSchema,
  type Source,
} from "../../buildkit/messages/ops_pb.ts";
import { type Digest, digestOf } from "../../oci/digest.ts";
import { checkOperation, outputsOf } from "./check-operation.ts";

export interface Vertex {
  /** sha256 of the operation's bytes: what progress and errors name it by. */
  readonly digest: Digest;
  readonly op: Op;
  readonly inputs: readonly Edge[];
  readonly metadata: OpMetadata | undefined;
  /** As people see it: `[2/3] RUN make`. */
  readonly name: string;
  /** Where it was written, if the frontend said. */
  readonly source: Source | undefined;
}

export interface Edge {
  readonly vertex: Vertex;
  readonly index: number;
}

/**
 * The edge that a definition leads to; undefined: nothing (scratch). Errors: invalid for what is no graph. A cycle can't be
 * written down: each vertex names its inputs by digests of their bytes.
 */
export function loadDefinition(definition: Definition | undefined): Edge | undefined {
  if (!definition || definition.def.length === 0) return undefined;
  const vertices = new Map<string, Vertex>();
  let last: Op | undefined;
  for (const bytes of definition.def) {
    const op = decode(bytes);
    const digest = digestOf(bytes);
    last = op;
    if (op.op.case === undefined) continue;
    checkOperation(op);
    const metadata = definition.metadata[digest];
    const inputs = op.inputs.map((input) => edgeTo(vertices, input));
    vertices.set(digest, {
      digest,
      op,
      inputs,
      metadata,
      name: nameOf(op, metadata),
      source: definition.source,
    });
  }
  const [input] = last?.inputs ?? [];
  if (!last || last.op.case !== undefined || !input)
    throw invalid("invalid build definition: it names no result");
  return edgeTo(vertices, input);
}

function decode(bytes: Uint8Array): Op {
  try {
    return fromBinary(OpSchema, bytes);
  } catch (thrown) {
    throw invalid(`failed to parse llb proto op: ${messageOf(thrown)}`, thrown);
  }
}

function edgeTo(vertices: ReadonlyMap<string, Vertex>, { digest, index }: Input): Edge {
  const vertex = vertices.get(digest);
  if (!vertex) throw invalid(`invalid missing input digest ${digest}`);
  if (index < 0n || index >= BigInt(outputsOf(vertex.op)))
    throw invalid(`invalid output index ${index} of ${vertex.op.op.case} op ${digest}`);
  return { vertex, index: Number(index) };
}

function nameOf(op: Op, metadata: OpMetadata | undefined): string {
  const custom = metadata?.description["llb.customname"];
  if (custom) return custom;
  switch (op.op.case) {
    case "source":
      return op.op.value.identifier;
    case "exec":
      return op.op.value.meta?.args.join(" ") ?? "";
    case "file":
      return op.op.value.actions.map(({ action }) => action.case ?? "").join(",");
    default:
      return op.op.case ?? "";
  }
}

/** All vertices that an edge needs, those first that others take from. A graph may be deeper than the stack. */
export function verticesOf(edge: Edge): Vertex[] {
  const found = new Map<Digest, Vertex>();
  const open: { vertex: Vertex; next: number }[] = [{ vertex: edge.vertex, next: 0 }];
  for (let top = open.at(-1); top; top = open.at(-1)) {
    const input = top.vertex.inputs[top.next++];
    if (!input) {
      found.set(top.vertex.digest, top.vertex);
      open.pop();
    } else if (!found.has(input.vertex.digest)) open.push({ vertex: input.vertex, next: 0 });
  }
  return [...found.values()];
}
