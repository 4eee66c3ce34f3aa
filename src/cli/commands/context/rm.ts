// `context rm`.

import { writeConfigFile } from "../../config-file.ts";
import { contextExists, DEFAULT_CONTEXT, removeContext } from "../../contexts/store.ts";
import { describe } from "../../describe.ts";
import { command } from "../../framework/command.ts";
import { CommandFailure, fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import type { Session } from "../../session.ts";

export default command({
  synopsis: "CONTEXT [CONTEXT...]",
  about: "Remove one or more contexts",
  aliases: ["context rm", "context remove"],
  args: { atLeast: 1 },
  flags: { force: flag.bool("Force the removal of a context in use", { short: "f" }) },
  async run(session, { args, flags }) {
    const problems: string[] = [];
    const current = await session.contextName();
    for (const name of args) {
      try {
        await remove(session, name, { force: flags.force, inUse: name === current });
        await session.out.line(name);
      } catch (thrown) {
        problems.push(describe(thrown));
      }
    }
    if (problems.length > 0) throw new CommandFailure(problems.join("\n"));
  },
});

async function remove(session: Session, name: string, { force, inUse }: { force: boolean; inUse: boolean }) {
  const quoted = JSON.stringify(name);
  if (name === DEFAULT_CONTEXT) throw fail(`context ${quoted} cannot be removed`);
  if (inUse) {
    if (!force) throw fail(`context ${quoted} is in use, set -f flag to force remove`);
    const { currentContext: _, ...config } = await session.config();
    await writeConfigFile(session.configFolder, config);
  }
  if (!force && !contextExists(session.configFolder, name)) throw fail(`context ${quoted} does not exist`);
  await removeContext(session.configFolder, name);
}
