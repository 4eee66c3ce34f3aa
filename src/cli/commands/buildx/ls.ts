// `buildx ls`: the one builder of the current daemon.
import { buildFailure } from "../../build-failure.ts";
import { builderFlags } from "../../build-options/builder-flags.ts";
import { shortPlatforms } from "../../format/platforms.ts";
import { printRows, row } from "../../format/rows.ts";
import { command } from "../../framework/command.ts";
import { flag } from "../../framework/flags.ts";

const TABLE = "{{.Name}}\t{{.DriverEndpoint}}\t{{.Status}}\t{{.Buildkit}}\t{{.Platforms}}";
const HEADERS = {
  Name: "NAME/NODE",
  DriverEndpoint: "DRIVER/ENDPOINT",
  LastActivity: "LAST ACTIVITY",
  Status: "STATUS",
  Buildkit: "BUILDKIT",
  Platforms: "PLATFORMS",
};
const BRANCH = " \\_ ";

export default command({
  synopsis: "",
  about: "List builder instances",
  args: { exactly: 0 },
  errorsBeginWith: "ERROR: ",
  flags: {
    ...builderFlags,
    builder: { ...builderFlags.builder, hidden: true },
    format: flag.string('Format the output (default "table")'),
    "no-trunc": flag.bool("Don't truncate output"),
  },
  async run(session, { flags }) {
    try {
      const name = await session.contextName();
      const [worker] = await (await session.client()).builder.workers();
      const platforms = worker?.platforms ?? [];
      const version = worker?.version ?? "";
      if (flags.format === "json") {
        const node = {
          Endpoint: name,
          IDs: worker ? [worker.id] : [],
          Labels: worker?.labels ?? {},
          Name: name,
          Platforms: platforms,
          Status: "running",
          Version: version,
        };
        const builder = { Current: true, Driver: "docker", Dynamic: false, Name: name, Nodes: [node] };
        await session.out.line(JSON.stringify(builder));
        return;
      }
      const isTable = !flags.format || flags.format.startsWith("table");
      const indent = isTable ? BRANCH : "";
      const shown = isTable && !flags["no-trunc"] ? shortPlatforms(platforms) : platforms.join(", ");
      await printRows(session.out, {
        format: flags.format,
        table: TABLE,
        headers: HEADERS,
        rows: [
          builderRow([name + (isTable ? "*" : ""), "docker", "", "", ""]),
          builderRow([indent + name, indent + name, "running", version, shown]),
        ],
      });
    } catch (thrown) {
      throw buildFailure(thrown);
    }
  },
});

function builderRow([name, endpoint, status, version, platforms]: string[]) {
  return row("*commands.lsContext", {
    Name: () => name,
    DriverEndpoint: () => endpoint,
    LastActivity: () => "",
    Status: () => status,
    Buildkit: () => version,
    Platforms: () => platforms,
    Error: () => "",
  });
}
