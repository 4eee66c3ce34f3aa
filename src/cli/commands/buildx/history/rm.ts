// `buildx history rm`: forgets builds; what they made stays.
import { buildFailure } from "../../../build-failure.ts";
import { builderFlags } from "../../../build-options/builder-flags.ts";
import { builderName } from "../../../builder-name.ts";
import { command } from "../../../framework/command.ts";
import { flag } from "../../../framework/flags.ts";

export default command({
  synopsis: "[OPTIONS] [REF...]",
  about: "Remove build records",
  args: "any",
  errorsBeginWith: "ERROR: ",
  flags: { all: flag.bool("Remove all build records"), ...builderFlags },
  async run(session, { args, flags }) {
    try {
      if (args.length === 0 && !flags.all) throw new Error("rm requires at least one argument");
      if (args.length > 0 && flags.all) throw new Error("rm requires either --all or at least one argument");
      await builderName(session, flags.builder);
      const { builder } = await session.client();
      const refs = flags.all
        ? (await builder.history()).filter(({ completed }) => completed !== undefined).map(({ ref }) => ref)
        : args.map((ref) => ref.slice(ref.lastIndexOf("/") + 1));
      const problems: unknown[] = [];
      for (const ref of refs) await builder.forget(ref).catch((thrown: unknown) => problems.push(thrown));
      if (problems.length === 1) throw problems[0];
      if (problems.length > 1) {
        const list = problems.map((one) => `\t* ${one instanceof Error ? one.message : String(one)}\n`);
        throw new Error(`${problems.length} errors occurred:\n${list.join("")}\n`);
      }
    } catch (thrown) {
      throw buildFailure(thrown);
    }
  },
});
