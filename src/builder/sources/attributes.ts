// A source's attributes.
import { invalid } from "../../base/errors.ts";
import type { SourceOp } from "../../buildkit/messages/ops_pb.ts";

/** A JSON list of texts. Errors: invalid. */
export function stringList(op: SourceOp, name: string): string[] | undefined {
  const text = op.attrs[name];
  if (!text) return undefined;
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every((item) => typeof item === "string")) return list;
  } catch {}
  throw invalid(`invalid ${name} of ${op.identifier}: a JSON list of strings is expected`);
}
