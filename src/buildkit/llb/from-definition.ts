// A graph that somebody else encoded, as a tree to build on. Its steps keep their bytes, and so their names.
import { fromBinary } from "@bufbuild/protobuf";
import { invalid, messageOf } from "../../base/errors.ts";
import { type Digest, digestOf } from "../../oci/digest.ts";
import { type Definition, type Input, type Op, OpSchema } from "../messages/ops_pb.ts";
import { scratch } from "./sources.ts";
import type { SourceFile, SourceLocation, Step, Tree } from "./types.ts";

/** The tree that a graph makes; scratch for an empty one. Errors: invalid, for what is no graph. */
export function fromDefinition(definition: Definition): Tree {
  const steps = new Map<string, Step>();
  const files = (definition.source?.infos ?? []).map(
    ({ filename, data, language, definition: from }): SourceFile => ({
      filename,
      data,
      language,
      ...(from && { definition: from }),
    }),
  );
  let last: Op | undefined;
  for (const bytes of definition.def) {
    const op = decode(bytes);
    last = op;
    const digest = digestOf(bytes);
    const options = { locations: locationsOf(digest, definition, files) };
    const inputs = op.inputs.map((input) => treeOf(input, steps));
    const encoded = { bytes, metadata: definition.metadata[digest] };
    steps.set(digest, { inputs, options, platformSpecific: false, encoded, encode: () => op.op });
  }
  if (!last) return scratch();
  const [result] = last.inputs;
  if (last.op.case !== undefined || !result)
    throw invalid("invalid build definition: its last operation is no result");
  return treeOf(result, steps);
}

function decode(bytes: Uint8Array): Op {
  try {
    return fromBinary(OpSchema, bytes);
  } catch (thrown) {
    throw invalid(`failed to parse llb proto op: ${messageOf(thrown)}`, thrown);
  }
}

function treeOf({ digest, index }: Input, steps: ReadonlyMap<string, Step>): Tree {
  const step = steps.get(digest);
  if (!step) throw invalid(`invalid missing input digest ${digest}`);
  return { step, output: Number(index) };
}

function locationsOf(digest: Digest, { source }: Definition, files: readonly SourceFile[]): SourceLocation[] {
  const places = source?.locations[digest]?.locations ?? [];
  return places.flatMap(({ sourceIndex, ranges }) => {
    const file = files[sourceIndex];
    const whole = ranges.flatMap(({ start, end }) => (start && end ? [{ start, end }] : []));
    return file ? [{ file, ranges: whole }] : [];
  });
}
