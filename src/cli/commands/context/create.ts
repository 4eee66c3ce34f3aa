// `context create`.
import { describedEndpoint, endpointFlag, endpointHelp } from "../../contexts/docker-flag.ts";
import { contextNamed, DEFAULT_DESCRIPTION } from "../../contexts/named.ts";
import {
  checkContextName,
  DEFAULT_CONTEXT,
  NoSuchContext,
  readContext,
  writeContext,
} from "../../contexts/store.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { flag } from "../../framework/flags.ts";
import type { Session } from "../../session.ts";

export default command({
  synopsis: "[OPTIONS] CONTEXT",
  about: `Create a context${endpointHelp("create")}`,
  args: { exactly: 1 },
  flags: {
    description: flag.string("Description of the context"),
    docker: endpointFlag,
    from: flag.string("create context from a named context"),
  },
  async run(session, { args: [name = ""], flags }) {
    await requireFree(session, name);
    if (flags.docker && !flags.from) {
      const { endpoint, tls } = await describedEndpoint(session, flags.docker);
      const context = {
        name,
        description: flags.description,
        fields: {},
        docker: endpoint,
        otherEndpoints: {},
      };
      await writeContext(session.configFolder, context, tls);
    } else {
      if (flags.docker) throw fail("cannot use --docker flag when --from is set");
      const source = flags.from || (await session.contextName());
      const { context, tls } = await contextNamed(session, source);
      const inherited = source === DEFAULT_CONTEXT ? DEFAULT_DESCRIPTION : context.description;
      const description = flags.description || inherited;
      await writeContext(session.configFolder, { ...context, name, description }, tls);
    }
    await session.out.line(name);
    await session.err.line(`Successfully created context ${JSON.stringify(name)}`);
  },
});

/** Throws unless a context of that name may be made: a name that fits, and nobody has. */
export async function requireFree(session: Session, name: string): Promise<void> {
  checkContextName(name);
  try {
    await readContext(session.configFolder, name);
  } catch (thrown) {
    if (thrown instanceof NoSuchContext) return;
    throw fail(
      `error while getting existing contexts: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    );
  }
  throw fail(`context ${JSON.stringify(name)} already exists`);
}
