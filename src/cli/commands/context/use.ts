// `context use`: the context of every later call that names none.
import { writeConfigFile } from "../../config-file.ts";
import { checkContextName, DEFAULT_CONTEXT, readContext } from "../../contexts/store.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";

export default command({
  synopsis: "CONTEXT",
  about: "Set the current docker context",
  args: "any",
  flags: {},
  async run(session, { args }) {
    if (args.length !== 1) throw fail(`accepts 1 arg(s), received ${args.length}`); // no usage text, as Docker's client
    const [name = ""] = args;
    if (name !== DEFAULT_CONTEXT) {
      checkContextName(name);
      await readContext(session.configFolder, name);
    }
    const { currentContext, ...others } = await session.config();
    const wanted = name === DEFAULT_CONTEXT ? undefined : name;
    if ((currentContext || undefined) !== wanted) {
      await writeConfigFile(session.configFolder, { ...others, ...(wanted && { currentContext: wanted }) });
    }
    await session.out.line(name);
    await session.err.line(`Current context is now ${JSON.stringify(name)}`);
    if (wanted && process.env.DOCKER_HOST) {
      await session.err.line(
        `Warning: DOCKER_HOST environment variable overrides the active context. To use ${JSON.stringify(name)}, either set the global --context flag, or unset DOCKER_HOST environment variable.`,
      );
    }
  },
});
