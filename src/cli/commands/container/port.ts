// `port`: where the ports of a container are on the host.
import type { PortBinding } from "../../../sdk/index.ts";
import { hostPort } from "../../format/lists.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";

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
      if (!/^\d+$/.test(port) || Number(port) > 65535) throw fail(`Error: invalid port (${port})`);
      const bindings = ports[`${port}/${protocol}`];
      if (!bindings || bindings.length === 0) {
        throw fail(
          `no public port '${wanted.includes("/") ? wanted : `${wanted}/tcp`}' published for ${name}`,
        );
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
