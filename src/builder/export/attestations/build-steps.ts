// A graph as provenance tells of it: its operations as steps with numbers, and where they were written (BuildKit,
// solver/llbsolver/provenance.go: AddBuildConfig, toBuildSteps).
import { fromBinary } from "@bufbuild/protobuf";
import { type Definition, LocationsSchema, type Op, OpSchema } from "../../../buildkit/messages/ops_pb.ts";
import { digestOf } from "../../../oci/digest.ts";
import { sortedRecord } from "../annotations.ts";
import { llbJson } from "./llb-json.ts";

interface BuildStep {
  id: string;
  op: object;
  inputs?: string[];
}

export interface BuildSteps {
  llbDefinition: BuildStep[];
  /** From a vertex's digest to its step. */
  digestMapping: Record<string, string>;
}

/** What of a source is this build's alone. */
const OF_ONE_BUILD = ["local.session", "local.unique"];

/** Undefined: nothing (scratch). The last step is the graph's end, which has no operation. */
export function buildSteps(definition: Definition | undefined): BuildSteps | undefined {
  if (!definition || definition.def.length === 0) return undefined;
  const operations = new Map<string, Op>(
    definition.def.map((bytes) => [digestOf(bytes), fromBinary(OpSchema, bytes)]),
  );
  const order = new Map<string, number>();
  visit([...operations.keys()].at(-1) as string);
  const llbDefinition = [...order].map(([digest, at]) => {
    const op = operations.get(digest) as Op;
    const inputs = op.inputs.map((input) => `step${order.get(input.digest)}:${input.index}`);
    return { id: `step${at}`, op: operation(op), ...(inputs.length > 0 && { inputs }) };
  });
  return {
    llbDefinition,
    digestMapping: sortedRecord(
      Object.fromEntries([...order].map(([digest, at]) => [digest, `step${at}`] as const)),
    ),
  };

  function visit(digest: string): void {
    const op = operations.get(digest);
    if (!op || order.has(digest)) return;
    for (const input of op.inputs) visit(input.digest);
    order.set(digest, order.size);
  }
}

function operation(op: Op): object {
  const { inputs: _, ...json } = llbJson(OpSchema, op);
  const { source } = json.Op as { source?: { attrs?: Record<string, string> } };
  if (source?.attrs) {
    for (const name of OF_ONE_BUILD) delete source.attrs[name];
    if (Object.keys(source.attrs).length === 0) delete source.attrs;
  }
  return json;
}

/** `source` of provenance's metadata: the files that were read, and the lines of each step. */
export function sourceOf({ source }: Definition, { digestMapping }: BuildSteps): object | undefined {
  if (!source || source.infos.length === 0) return undefined;
  const locations = Object.entries(source.locations).flatMap(([digest, found]) => {
    const step = digestMapping[digest];
    return step ? [[step, llbJson(LocationsSchema, found)] as const] : [];
  });
  return {
    ...(locations.length > 0 && { locations: sortedRecord(Object.fromEntries(locations)) }),
    infos: source.infos.map(({ filename, language, data, definition }) => ({
      ...(filename && { filename }),
      ...(language && { language }),
      data: Buffer.from(data).toString("base64"),
      ...buildSteps(definition),
    })),
  };
}
