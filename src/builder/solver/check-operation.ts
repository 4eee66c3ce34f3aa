// Whether an operation makes sense by itself, before anything is run: definitions come from clients, which may write any bytes.
// The words are BuildKit's (solver/llbsolver/ops/opsutils) where it has some.
import { invalid } from "../../base/errors.ts";
import type { DiffOp, ExecOp, FileOp, MergeOp, Op } from "../../buildkit/messages/ops_pb.ts";

/** Errors: invalid. */
export function checkOperation({ op, inputs }: Op): void {
  if (op.case === "exec") checkExec(op.value, inputs.length);
  if (op.case === "file") checkFile(op.value);
  if (op.case === "merge") checkMerge(op.value, inputs.length);
  if (op.case === "diff") checkDiff(op.value, inputs.length);
}

/** How many results an operation has: its inputs' indexes are below that. */
export function outputsOf({ op }: Op): number {
  const last = (outputs: readonly bigint[]) => outputs.reduce((most, at) => (at > most ? at : most), -1n);
  switch (op.case) {
    case "exec":
      return Number(last(op.value.mounts.map(({ output }) => output))) + 1;
    case "file":
      return Number(last(op.value.actions.map(({ output }) => output))) + 1;
    default:
      return 1;
  }
}

/** An input that is -1 is none. */
const isInput = (input: bigint, inputs: number): boolean => input >= -1n && input < BigInt(inputs);

function checkExec({ meta, mounts }: ExecOp, inputs: number): void {
  if (!meta) throw invalid("invalid exec op with no meta");
  if (meta.args.length === 0) throw invalid("invalid exec op with no args");
  if (mounts.length === 0) throw invalid("invalid exec op with no mounts");
  if (!mounts.some(({ dest }) => dest === "/")) throw invalid("invalid exec op with no rootfs");
  for (const { input, output } of mounts) {
    if (!isInput(input, inputs))
      throw invalid(`invalid mount input ${input} for exec op with ${inputs} inputs`);
    checkOutput(output, mounts.length, "exec");
  }
}

/** Each part has one output at most, so there are no more than parts; a list of them is made by their numbers. */
function checkOutput(output: bigint, parts: number, kind: string): void {
  if (output < -1n || output >= BigInt(parts)) throw invalid(`invalid output index ${output} in ${kind} op`);
}

function checkFile({ actions }: FileOp): void {
  if (actions.length === 0) throw invalid("invalid file op with no actions");
  for (const { output } of actions) checkOutput(output, actions.length, "file");
}

function checkMerge(op: MergeOp, inputs: number): void {
  for (const { input } of op.inputs)
    if (input < 0n || !isInput(input, inputs))
      throw invalid(`invalid input index ${input} for merge op with ${inputs} inputs`);
}

function checkDiff({ lower, upper }: DiffOp, inputs: number): void {
  if (!lower || !upper) throw invalid("invalid diff op with nil lower or upper input");
  for (const [which, { input }] of Object.entries({ lower, upper }))
    if (!isInput(input, inputs))
      throw invalid(`invalid ${which} input index ${input} for diff op with ${inputs} inputs`);
}
