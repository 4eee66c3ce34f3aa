// Cache keys: digests of what an output follows from.
import { clone, toBinary } from "@bufbuild/protobuf";
import { type Op, OpSchema } from "../../buildkit/messages/ops_pb.ts";

/** The key of a vertex: its operation, and a key for each input. */
export function keyOf(operation: string, inputs: readonly string[]): string {
  const hash = new Bun.CryptoHasher("sha256").update(operation);
  for (const input of inputs) hash.update(`\n${input}`);
  return `sha256:${hash.digest("hex")}`;
}

/** The key of one output of a vertex that has several. */
export const outputKey = (key: string, index: number): string => (index === 0 ? key : `${key}/${index}`);

/**
 * What of an operation counts: all but by whom its inputs were made (their keys are given besides) and what may differ between
 * two runs of the same step: a proxy's address.
 */
export function operationDigest(op: Op): string {
  const counted = clone(OpSchema, op);
  for (const input of counted.inputs) input.digest = "";
  counted.constraints = undefined;
  if (counted.op.case === "exec") {
    const { meta } = counted.op.value;
    if (meta) meta.proxyEnv = undefined;
  }
  return new Bun.CryptoHasher("sha256").update(toBinary(OpSchema, counted)).digest("hex");
}
