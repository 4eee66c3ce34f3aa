import { expect, test } from "bun:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { DefinitionSchema, OpSchema } from "../../buildkit/messages/ops_pb.ts";
import { digestOf } from "../../oci/digest.ts";
import { loadDefinition } from "./graph.ts";

type Op = MessageInitShape<typeof OpSchema>["op"];

const encode = (op: MessageInitShape<typeof OpSchema>) => toBinary(OpSchema, create(OpSchema, op));
const input = (of: Uint8Array, index = 0n) => ({ digest: digestOf(of), index });
const source = encode({ op: { case: "source", value: { identifier: "docker-image://a" } } });

/** An operation on one source, and its first output as the result. */
function load(op: Op, index = 0n) {
  const bytes = encode({ inputs: [input(source)], ...(op && { op }) });
  const def = [source, bytes, encode({ inputs: [input(bytes, index)] })];
  return loadDefinition(create(DefinitionSchema, { def }));
}

const meta = { args: ["true"] };
const root = { input: 0n, dest: "/", output: 0n };
const exec = (value: object): Op => ({ case: "exec", value: { meta, mounts: [root], ...value } });
const mkdir = { case: "mkdir" as const, value: { path: "/a" } };
const files = (...outputs: bigint[]): Op => ({
  case: "file",
  value: { actions: outputs.map((output) => ({ input: 0n, secondaryInput: -1n, output, action: mkdir })) },
});

test.each<[string, Op, string]>([
  ["no command", { case: "exec", value: { mounts: [root] } }, "invalid exec op with no meta"],
  ["no words", exec({ meta: { args: [] } }), "invalid exec op with no args"],
  ["no mounts", exec({ mounts: [] }), "invalid exec op with no mounts"],
  ["no root", exec({ mounts: [{ ...root, dest: "/x" }] }), "invalid exec op with no rootfs"],
  [
    "an input that isn't there",
    exec({ mounts: [{ ...root, input: 9n }] }),
    "invalid mount input 9 for exec op with 1 inputs",
  ],
  [
    "an output that would be a list of 2^40",
    exec({ mounts: [{ ...root, output: 1n << 40n }] }),
    "invalid output index 1099511627776 in exec op",
  ],
  ["no actions", files(), "invalid file op with no actions"],
  ["outputs without end", files(0n, 1n << 40n), "invalid output index 1099511627776 in file op"],
  [
    "a merge of what isn't there",
    { case: "merge", value: { inputs: [{ input: 0n }, { input: 1n }] } },
    "invalid input index 1 for merge op with 1 inputs",
  ],
  ["half a difference", { case: "diff", value: {} }, "invalid diff op with nil lower or upper input"],
  [
    "a difference to what isn't there",
    { case: "diff", value: { lower: { input: 0n }, upper: { input: 7n } } },
    "invalid upper input index 7 for diff op with 1 inputs",
  ],
])("%s is refused", (_, op, words) => {
  expect(() => load(op)).toThrow(words);
});

test.each([-1n, 1n, 1n << 40n])("an output %d that an operation doesn't have is refused", (index) => {
  expect(() => load(exec({}), index)).toThrow(`invalid output index ${index} of exec op`);
});

test("what makes sense is taken", () => {
  expect(load(exec({}))?.index).toBe(0);
  expect(load(files(-1n, 0n))?.vertex.inputs).toHaveLength(1);
  expect(load({ case: "merge", value: { inputs: [{ input: 0n }, { input: 0n }] } })?.index).toBe(0);
  expect(load({ case: "diff", value: { lower: { input: -1n }, upper: { input: 0n } } })?.index).toBe(0);
});
