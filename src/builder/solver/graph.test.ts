import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { OpSchema } from "../../buildkit/messages/ops_pb.ts";
import type { Digest } from "../../oci/digest.ts";
import { type Vertex, verticesOf } from "./graph.ts";

const vertex = (name: string, ...inputs: Vertex[]): Vertex => ({
  digest: name as Digest,
  op: create(OpSchema),
  inputs: inputs.map((input) => ({ vertex: input, index: 0 })),
  metadata: undefined,
  name,
  source: undefined,
});

test("each vertex comes once, behind those that it takes from", () => {
  const base = vertex("base");
  const [left, right] = [vertex("left", base), vertex("right", base)];
  const top = vertex("top", left, right, base);
  expect(verticesOf({ vertex: top, index: 0 }).map(({ name }) => name)).toEqual([
    "base",
    "left",
    "right",
    "top",
  ]);
});

test("a graph may be deeper than the stack", () => {
  const depth = 50_000;
  let top = vertex("0");
  for (let i = 1; i < depth; i++) top = vertex(`${i}`, top);
  const found = verticesOf({ vertex: top, index: 0 });
  expect(found).toHaveLength(depth);
  expect(found[0]?.name).toBe("0");
});
