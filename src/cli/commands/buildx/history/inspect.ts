// `buildx history inspect`: all that is known of one build.
import { compileTemplate } from "../../../../base/template/index.ts";
import { buildFailure } from "../../../build-failure.ts";
import { inspectBuild } from "../../../build-history/inspection.ts";
import { inspectionFields, inspectionJson, inspectionText } from "../../../build-history/inspection-text.ts";
import { readLocalState } from "../../../build-history/local-state.ts";
import { atMost, oneRecord } from "../../../build-history/records.ts";
import { builderFlags } from "../../../build-options/builder-flags.ts";
import { builderName } from "../../../builder-name.ts";
import { command } from "../../../framework/command.ts";
import { flag } from "../../../framework/flags.ts";

export default command({
  synopsis: "[OPTIONS] [REF]",
  about: "Inspect a build record",
  args: "any",
  errorsBeginWith: "ERROR: ",
  flags: {
    ...builderFlags,
    format: flag.string('Format the output (default "pretty")', { default: "pretty" }),
  },
  async run(session, { args, flags }) {
    try {
      atMost(1, args);
      const [ref = ""] = args;
      const builder = await builderName(session, flags.builder);
      const record = await oneRecord(session, ref);
      const state = await readLocalState(session.configFolder, builder, record.ref);
      const inspected = await inspectBuild(await session.client(), record, state);
      if (flags.format === "json") return await session.out.write(inspectionJson(inspected));
      if (flags.format === "pretty") {
        const { program, globals } = session;
        const options = { withRef: ref === "", program, builder, debug: globals.debug };
        return await session.out.write(inspectionText(inspected, options));
      }
      await session.out.line(formatted(flags.format, inspected));
    } catch (thrown) {
      throw buildFailure(thrown);
    }
  },
});

function formatted(format: string, inspected: Parameters<typeof inspectionFields>[0]): string {
  const run = inStep("failed to parse format template", () => compileTemplate(format, { name: "inspect" }));
  return inStep("failed to execute format template", () => run(inspectionFields(inspected)));
}

function inStep<T>(step: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new Error(`${step}: ${message.replace(/^template parsing error: /, "")}`);
  }
}
