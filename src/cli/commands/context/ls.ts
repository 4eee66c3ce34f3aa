// `context ls`.
import { allContexts } from "../../contexts/named.ts";
import { readContext } from "../../contexts/store.ts";
import { naturally } from "../../format/natural-order.ts";
import { chooseFormat, printRows, type Row, row } from "../../format/rows.ts";
import { ellipsis } from "../../format/units.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";
import type { Session } from "../../session.ts";
import { TABLE_FORMAT } from "../../usage-texts.ts";

const CONTEXTS = {
  table: "{{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}",
  headers: {
    Name: "NAME",
    Description: "DESCRIPTION",
    DockerEndpoint: "DOCKER ENDPOINT",
    Error: "ERROR",
  },
};
/** Columns for what is wrong with a context; the whole of it is what its use says. */
const ERROR_WIDTH = 45;

interface Listed {
  name: string;
  current: boolean;
  description: string;
  endpoint: string;
  problem: string;
}

export default command({
  synopsis: "[OPTIONS]",
  about: "List contexts",
  aliases: ["context ls", "context list"],
  args: { exactly: 0 },
  flags: {
    format: flag.string(TABLE_FORMAT),
    quiet: flag.bool("Only show context names", { short: "q" }),
  },
  async run(session, { flags }) {
    const listed = await list(session);
    await printRows(session.out, {
      ...CONTEXTS,
      // Other than elsewhere `-q` wins over a template of one's own.
      format: flags.quiet ? "{{.Name}}" : chooseFormat(CONTEXTS, flags.format, { quiet: false, key: "Name" }),
      rows: listed.map(rowOf),
    });
    if (process.env.DOCKER_HOST) {
      await session.err.line(
        "Warning: DOCKER_HOST environment variable overrides the active context. To use a context, either set the global --context flag, or unset DOCKER_HOST environment variable.",
      );
    }
  },
});

/** All that are there, and the current one where it isn't: that is what somebody looks for then. */
async function list(session: Session): Promise<Listed[]> {
  const current = await session.contextName();
  const listed = (await allContexts(session)).map(({ name, description, docker }) => ({
    name,
    current: name === current,
    description,
    endpoint: docker?.Host ?? "",
    problem: docker ? "" : "cannot find docker endpoint in context",
  }));
  if (!listed.some((one) => one.current)) {
    const problem = await readContext(session.configFolder, current).then(
      () => "",
      (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
    );
    listed.push({ name: current, current: true, description: "", endpoint: "", problem });
  }
  return listed.sort((a, b) => naturally(a.name, b.name));
}

const rowOf = ({ name, current, description, endpoint, problem }: Listed): Row =>
  row("*formatter.clientContextContext", {
    Name: () => name,
    Current: () => current,
    Description: () => description,
    DockerEndpoint: () => endpoint,
    Error: () => ellipsis(problem, ERROR_WIDTH),
  });
