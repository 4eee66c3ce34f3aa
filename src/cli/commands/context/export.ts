// `context export`: a context with its certificates and keys as one file.
import { open } from "node:fs/promises";
import { reason } from "../../container-options/key-values.ts";
import { packContext } from "../../contexts/archive.ts";
import { contextNamed } from "../../contexts/named.ts";
import { checkContextName, DEFAULT_CONTEXT } from "../../contexts/store.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";

export default command({
  synopsis: "[OPTIONS] CONTEXT [FILE|-]",
  about: "Export a context to a tar archive FILE or a tar stream on STDOUT.",
  args: { from: 1, to: 2 },
  flags: {},
  async run(session, { args: [name = "", destination = `${name}.dockercontext`] }) {
    if (name !== DEFAULT_CONTEXT) checkContextName(name);
    const archive = packContext(await contextNamed(session, name));
    if (destination === "-") {
      if (session.out.isTerminal())
        throw fail("cowardly refusing to export to a terminal, specify a file path");
      await session.out.write(archive);
      return;
    }
    // Never over another file, and for its owner alone: there may be a key in it.
    const file = await open(destination, "wx", 0o600).catch((thrown: unknown) => {
      throw fail(`open ${destination}: ${reason(thrown)}`);
    });
    await file.writeFile(archive).finally(() => file.close());
    await session.err.line(`Written file ${JSON.stringify(destination)}`);
  },
});
