// The builds of a bake, all at once, and what they leave.
import { goBoolean } from "../../base/go-boolean.ts";
import { goJson } from "../../base/go-json.ts";
import type { BuildEvent, BuildResult, BuildSpec } from "../../sdk/index.ts";
import { TargetFailure } from "../../sdk/index.ts";
import { printAnswer } from "../build-answers/print.ts";
import { buildFailure } from "../build-failure.ts";
import type { BuildOrder } from "../build-options/spec.ts";
import type { FrontendQuestion } from "../build-options/values.ts";
import { rawWarning } from "../build-progress/raw-json.ts";
import type { ShownProgress } from "../build-progress/show.ts";
import { decodeResponse, writeSorted } from "../build-result.ts";
import { interruptible } from "../run-build.ts";
import type { Session } from "../session.ts";
import { orderOf } from "./order.ts";
import { prefixed } from "./prefixed.ts";
import type { Bake } from "./resolve.ts";
import type { BakeFlags } from "./run.ts";
import { printed } from "./target.ts";

export interface BakeWork {
  session: Session;
  bake: Bake;
  flags: BakeFlags;
  question: FrontendQuestion | undefined;
  progress: ShownProgress;
  mode: string;
  builder: string;
}

/** Gives the exit code. Throws a failure in buildx's form. */
export async function buildTargets(work: BakeWork): Promise<number> {
  const { session, bake, progress, question } = work;
  const interruption = interruptible();
  let warnings: ReturnType<typeof progress.end> | undefined;
  try {
    const orders: Record<string, BuildOrder> = {};
    for (const [name, target] of bake.targets) orders[name] = await orderOf(session, target);
    const several = Object.keys(orders).length > 1;
    const specs: Record<string, BuildSpec> = {};
    for (const [name, { spec }] of Object.entries(orders))
      specs[name] = {
        ...spec,
        onEvent: (event: BuildEvent) => progress.event(prefixed(several ? name : undefined, event)),
        signal: interruption.signal,
      };
    const client = await session.client();
    const results = await client.builder.buildTargets(specs);
    warnings = progress.end();
    if (work.flags["metadata-file"]) await leaveMetadata(work, results, warnings);
    if (question || Object.values(orders).some((order) => order.question))
      return await answers(work, orders, results);
    for (const [name, { response }] of Object.entries(results)) {
      const message = response["frontend.result.inlinemessage"];
      if (message) await session.out.write(`\n# ${name}\n${message}\n`);
    }
    return 0;
  } catch (thrown) {
    if (!warnings) progress.end();
    const several = bake.targets.size > 1;
    if (thrown instanceof TargetFailure)
      throw buildFailure(thrown.cause, several ? `target ${thrown.target}` : undefined);
    throw buildFailure(thrown);
  } finally {
    interruption.end();
  }
}

async function leaveMetadata(
  { session, flags, builder, question }: BakeWork,
  results: Record<string, BuildResult>,
  warnings: ReturnType<ShownProgress["end"]>,
): Promise<void> {
  const content: Record<string, unknown> = {};
  const asked = process.env.BUILDX_METADATA_PROVENANCE ?? "";
  const client = await session.client();
  for (const [name, { ref, response }] of Object.entries(results)) {
    const own: Record<string, unknown> = decodeResponse(response);
    if (!question) own["buildx.build.ref"] = `${builder}/${builder}/${ref}`;
    if (!question && asked !== "disabled" && goBoolean(asked) !== false) {
      const { recordProvenance } = await import("../build-history/provenance.ts");
      Object.assign(own, await recordProvenance(client, ref, asked === "max" ? "max" : "min"));
    }
    content[name] = Object.fromEntries(Object.entries(own).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  if (!question && warnings.length > 0 && goBoolean(process.env.BUILDX_METADATA_WARNINGS ?? "") === true)
    content["buildx.build.warnings"] = warnings.map(rawWarning);
  await writeSorted(flags["metadata-file"], content);
}

/** Of each target that was asked, one after the other; with `format=json` all in one document. */
async function answers(
  { session, bake, question }: BakeWork,
  orders: Record<string, BuildOrder>,
  results: Record<string, BuildResult>,
): Promise<number> {
  let code = 0;
  let first = true;
  const documents: Record<string, unknown> = {};
  for (const name of Object.keys(orders).sort()) {
    const target = bake.targets.get(name);
    const { question: own, dockerfile = "" } = orders[name] ?? {};
    const response = results[name]?.response ?? {};
    if (!own) continue;
    const asked = {
      ...own,
      ...(question && { format: question.format, ignoreStatus: question.ignoreStatus }),
    };
    if (asked.format === "json") {
      const kind = asked.name === "lint" ? "check" : asked.name;
      documents[name] = {
        build: target && printed(target),
        [kind]: JSON.parse(response["result.json"] || "{}"),
      };
      code ||= asked.ignoreStatus ? 0 : Number(response["result.statuscode"] ?? 0);
      continue;
    }
    if (!first) await session.out.write("\n");
    first = false;
    await session.out.write(`${name}\n${target?.description ? `${target.description}\n` : ""}\n`);
    code ||= await printAnswer(session.out, asked, response, dockerfile);
  }
  if (Object.keys(documents).length > 0) {
    const groups = Object.fromEntries([...bake.groups].map(([name, { targets }]) => [name, { targets }]));
    await session.out.write(`${goJson({ group: groups, target: documents }, 2).trimEnd()}\n`);
  }
  return code;
}
