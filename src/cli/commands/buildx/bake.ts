// `buildx bake`: builds what files describe.
import { commonBuildFlags } from "../../build-options/flags.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";

const texts = flag.listOf("stringArray", (text) => text);

export const bakeFlags = {
  ...commonBuildFlags,
  allow: texts("Allow build to access specified resources"),
  file: texts("Build definition file", { short: "f" }),
  list: flag.string("List targets or variables"),
  load: flag.bool('Shorthand for "--set=*.output=type=docker". Conditional.'),
  print: flag.bool("Print the options without building"),
  provenance: flag.string('Shorthand for "--set=*.attest=type=provenance"'),
  push: flag.bool('Shorthand for "--set=*.output=type=registry". Conditional.'),
  sbom: flag.string('Shorthand for "--set=*.attest=type=sbom"'),
  set: texts('Override target value (e.g., "targetpattern.key=value")'),
};

export default command({
  synopsis: "[OPTIONS] [TARGET...]",
  shownAs: "buildx bake",
  about: "Build from a file",
  aliases: ["buildx bake", "buildx f"],
  args: "any",
  errorsBeginWith: "ERROR: ",
  flags: bakeFlags,
  async run(session, { args, flags, given }) {
    const { runBake } = await import("../../bake/run.ts");
    return runBake(session, args, flags, given as (name: string) => boolean);
  },
});
