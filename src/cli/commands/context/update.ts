// `context update`.
import { describedEndpoint, endpointFlag, endpointHelp } from "../../contexts/docker-flag.ts";
import {
  checkContextName,
  DOCKER_ENDPOINT,
  readContext,
  readTls,
  writeContext,
} from "../../contexts/store.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";

export default command({
  synopsis: "[OPTIONS] CONTEXT",
  about: `Update a context${endpointHelp("update")}`,
  args: { exactly: 1 },
  flags: {
    description: flag.string("Description of the context"),
    docker: endpointFlag,
  },
  async run(session, { args: [name = ""], flags }) {
    checkContextName(name);
    const folder = session.configFolder;
    const before = await readContext(folder, name);
    const context = { ...before, name, description: flags.description || before.description };
    if (flags.docker) {
      const { endpoint, tls } = await describedEndpoint(session, flags.docker);
      // The endpoint's certificates are replaced with it; those of others stay.
      const { [DOCKER_ENDPOINT]: _, ...others } = await readTls(folder, name);
      await writeContext(folder, { ...context, docker: endpoint }, { ...others, ...tls });
    } else await writeContext(folder, context);
    await session.out.line(name);
    await session.err.line(`Successfully updated context ${JSON.stringify(name)}`);
  },
});
