// `version`: both sides' versions.

import { API_VERSION, type SystemVersion } from "../../sdk/index.ts";
import { asctime, type ClientVersion, clientVersion } from "../client-version.ts";
import { describe } from "../describe.ts";
import { alignTabs } from "../format/tab-writer.ts";
import { command } from "../framework/command.ts";
import { CommandFailure } from "../framework/failure.ts";
import { flag } from "../framework/flags.ts";
import { JSON_FORMAT } from "../usage-texts.ts";

/** docker's exit code for a template that doesn't parse. */
const EXIT_TEMPLATE = 64;

export default command({
  synopsis: "[OPTIONS]",
  about: "Show the Docker version information",
  args: { exactly: 0 },
  flags: { format: flag.string(JSON_FORMAT, { short: "f" }) },
  async run(session, { flags }) {
    const render = flags.format ? await compileFormat(flags.format) : undefined;
    const client = await session.client();
    let server: SystemVersion | null = null;
    let problem: unknown;
    let version = API_VERSION;
    try {
      version = await client.connection.version();
      server = readableTimes(await client.system.version());
    } catch (thrown) {
      problem = thrown;
    }
    const own = clientVersion(await session.contextName(), version);
    try {
      await session.out.write(render ? `${render(own, server)}\n` : overview(own, server));
    } catch (thrown) {
      await session.out.line("");
      // A template that asks for a server which isn't there: that it isn't is the news.
      problem ??= new CommandFailure(describe(thrown).replace(/^template parsing error: /, ""));
    }
    if (problem) throw new CommandFailure(describe(problem));
  },
});

/** A compiled `--format`: the API version has two names in Go, its field's and its JSON key's. */
async function compileFormat(format: string) {
  const [{ compileTemplate, toJson }, { asGoStructures }] = await Promise.all([
    import("../../base/template/index.ts"),
    import("../template/go-types.ts"),
  ]);
  if (format === "json" || format === "{{json .}}") {
    return (Client: ClientVersion, Server: SystemVersion | null) => toJson({ Client, Server });
  }
  try {
    const run = compileTemplate(format, { name: "version" });
    return (Client: ClientVersion, Server: SystemVersion | null) =>
      run(asGoStructures({ Client, Server }, "VersionInfo"));
  } catch (thrown) {
    throw new CommandFailure(describe(thrown), EXIT_TEMPLATE);
  }
}

/** Build times as C's asctime prints them, which people read more easily than the API's. */
function readableTimes(server: SystemVersion): SystemVersion {
  for (const { Name, Details } of server.Components ?? []) {
    if (Name === "Engine" && Details && typeof Details.BuildTime === "string") {
      Details.BuildTime = asctime(Details.BuildTime);
    }
  }
  return server;
}

function overview(own: ClientVersion, server: SystemVersion | null): string {
  const downgraded =
    own.ApiVersion === own.DefaultAPIVersion ? "" : ` (downgraded from ${own.DefaultAPIVersion})`;
  const lines = [
    "Client:",
    ` Version:\t${own.Version}`,
    ` API version:\t${own.ApiVersion}${downgraded}`,
    ` Go version:\t${own.GoVersion}`,
    ` Git commit:\t${own.GitCommit}`,
    ` Built:\t${own.BuildTime}`,
    ` OS/Arch:\t${own.Os}/${own.Arch}`,
    ` Context:\t${own.Context}`,
  ];
  if (server)
    lines.push(
      "",
      `Server:${server.Platform?.Name ? ` ${server.Platform.Name}` : ""}`,
      ...components(server),
    );
  return alignTabs(`${lines.join("\n")}\n`, { minWidth: 20, padding: 1 });
}

function components(server: SystemVersion): string[] {
  const all = [...(server.Components ?? [])];
  if (!all.some(({ Name }) => Name === "Engine"))
    all.push({ Name: "Engine", Version: server.Version ?? "", Details: { ...server } });
  return all.flatMap(({ Name, Version, Details }) => {
    const detail = (key: string) => String(Details?.[key] ?? "");
    if (Name !== "Engine") {
      const rest = Object.keys(Details ?? {})
        .sort()
        .map((key) => `  ${key}:\t${detail(key)}`);
      return [` ${Name}:`, `  Version:\t${Version}`, ...rest];
    }
    return [
      " Engine:",
      `  Version:\t${Version}`,
      `  API version:\t${detail("ApiVersion")} (minimum version ${detail("MinAPIVersion")})`,
      `  Go version:\t${detail("GoVersion")}`,
      `  Git commit:\t${detail("GitCommit")}`,
      `  Built:\t${detail("BuildTime")}`,
      `  OS/Arch:\t${detail("Os")}/${detail("Arch")}`,
      `  Experimental:\t${detail("Experimental")}`,
    ];
  });
}
