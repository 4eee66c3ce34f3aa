// `port`: where the ports of a container are on the host.
import type { PortBinding } from "../../../sdk/index.ts";
import { describe } from "../../describe.ts";
import { hostPort } from "../../format/lists.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";
import { parseInteger } from "../../framework/flags.ts";

export default command({
  synopsis: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  about: "List port mappings or a specific mapping for the container",
  aliases: ["container port", "port"],
  args: { from: 1, to: 2 },
  flags: {},
  async run(session, { args: [name = "", wanted] }) {
    const { NetworkSettings } = await (await session.client()).containers.inspect(name);
    const ports = NetworkSettings?.Ports ?? {};
    const shown = (one: PortBinding) => hostPort(one.HostIp ?? "", one.HostPort ?? "");
    if (wanted !== undefined) {
      const [port = "", protocol = "tcp"] = wanted.split("/");
      try {
        parseInteger(port, { min: 0, max: 65535 });
      } catch (thrown) {
        throw fail(`Error: invalid port (${port}): ${describe(thrown)}`);
      }
      const bindings = ports[`${port}/${protocol}`];
      if (!bindings || bindings.length === 0) {
        throw fail(`Error: No public port '${wanted}' published for ${name}`);
      }
      for (const one of bindings) await session.out.line(shown(one));
      return;
    }
    const lines = Object.entries(ports).flatMap(([port, bindings]) =>
      (bindings ?? []).map((one) => ({ port, text: `${port} -> ${shown(one)}` })),
    );
    lines.sort(
      (a, b) => Number.parseInt(a.port, 10) - Number.parseInt(b.port, 10) || (a.text < b.text ? -1 : 1),
    );
    for (const { text } of lines) await session.out.line(text);
  },
});
