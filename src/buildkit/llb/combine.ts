// Steps that put trees together and take them apart, without copying.
import { create } from "@bufbuild/protobuf";
import { DiffOpSchema, MergeOpSchema } from "../messages/ops_pb.ts";
import { scratch } from "./sources.ts";
import type { Step, StepOptions, Tree } from "./types.ts";

/** The trees over each other, later ones above. Scratch adds nothing; one tree alone is itself. */
export function merge(trees: readonly Tree[], options: StepOptions = {}): Tree {
  const inputs = trees.filter((tree) => tree.step !== undefined);
  const [only] = inputs;
  if (!only || inputs.length === 1) return only ?? scratch();
  const step: Step = {
    inputs,
    options,
    platformSpecific: false,
    encode: (list) => ({
      case: "merge",
      value: create(MergeOpSchema, { inputs: inputs.map((tree) => ({ input: list.number(tree, true) })) }),
    }),
  };
  return { step, output: 0 };
}

/** What makes `upper` of `lower`: to be merged onto another tree. */
export function diff(lower: Tree, upper: Tree, options: StepOptions = {}): Tree {
  if (lower.step === undefined) return upper;
  const step: Step = {
    inputs: [lower, upper].filter((tree) => tree.step !== undefined),
    options,
    platformSpecific: false,
    encode: (list) => ({
      case: "diff",
      value: create(DiffOpSchema, {
        lower: { input: list.number(lower, true) },
        upper: { input: list.number(upper, true) },
      }),
    }),
  };
  return { step, output: 0 };
}

/** A source that is decided when the graph is encoded: `make` is called once, then. It must give a source's tree. */
export function deferred(make: () => Tree): Tree {
  let made: Step | undefined;
  const source = (): Step => {
    made ??= make().step;
    if (!made) throw new Error("a deferred source is scratch");
    return made;
  };
  const step: Step = {
    get inputs() {
      return source().inputs;
    },
    get options() {
      return source().options;
    },
    get platformSpecific() {
      return source().platformSpecific;
    },
    encode: (inputs) => source().encode(inputs),
  };
  return { step, output: 0 };
}
