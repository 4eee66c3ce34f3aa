// The part of the clients' suite about networks of somebody's own.
import { expect } from "bun:test";
import type { Tools } from "./tools.ts";

export function networkCases({ client, image, name, check }: Tools): void {
  const ok = (...args: string[]) => client().ok(...args);
  const subnet = () => `10.${200 + Math.floor(Math.random() * 50)}.${Math.floor(Math.random() * 250)}`;

  /** A network of a free subnet: others on this host choose at random too. */
  async function create(network: string, ...options: string[]): Promise<string> {
    for (let tries = 0; ; tries++) {
      const base = subnet();
      const made = await client().run("network", "create", "--subnet", `${base}.0/24`, ...options, network);
      if (made.code === 0) return base;
      if (tries === 10 || !made.stderr.includes("overlaps")) throw new Error(made.stderr);
    }
  }

  check("network create, inspect, ls and rm", async () => {
    const n = name();
    const base = await create(
      n,
      "--label",
      "a=b",
      "--opt",
      "com.docker.network.driver.mtu=1400",
      "--internal",
    );
    expect(
      await ok("network", "inspect", "-f", "{{json .IPAM.Config}} {{.Internal}} {{json .Labels}}", n),
    ).toBe(`[{"Subnet":"${base}.0/24"}] true {"a":"b"}`);
    expect(
      await ok(
        "network",
        "ls",
        "--filter",
        "label=a=b",
        "--filter",
        `name=${n}`,
        "--format",
        "{{.Name}} {{.Driver}} {{.Scope}}",
      ),
    ).toBe(`${n} bridge local`);
    const again = await client().run("network", "create", n);
    expect(again.stderr).toContain(`network with name ${n} already exists`);
    expect(await ok("network", "rm", n)).toBe(n);
    const gone = await client().run("network", "inspect", n);
    expect([gone.code, gone.stdout.trim()]).toEqual([1, "[]"]);
    expect(gone.stderr).toContain(`network ${n} not found`);
  });

  check("run on networks by name, alias and address; connect and disconnect while it runs", async () => {
    const [front, back, web, asks] = [name(), name(), name(), name()];
    const [a, b] = [await create(front), await create(back)];
    await ok(
      "run",
      "-d",
      "--name",
      web,
      "--network",
      `name=${front},alias=site,ip=${a}.50`,
      image(),
      "sleep",
      "1000",
    );
    await ok("run", "-d", "--name", asks, "--network", front, image(), "sleep", "1000");
    for (const target of [web, "site", `${web}.${front}`])
      expect(await ok("exec", asks, "ping", "-c", "1", target)).toContain(`(${a}.50)`);
    await ok("network", "connect", "--alias", "store", "--ip", `${b}.60`, back, web);
    await ok("network", "connect", back, asks);
    expect(await ok("exec", asks, "ping", "-c", "1", "store")).toContain(`(${b}.60)`);
    const where = "{{range $n, $e := .NetworkSettings.Networks}}{{$e.IPAddress}} {{end}}";
    expect((await ok("inspect", "-f", where, web)).trim().split(" ").sort()).toEqual(
      [`${a}.50`, `${b}.60`].sort(),
    );
    const used = await client().run("network", "rm", front);
    expect([used.code, used.stderr.includes("has active endpoints")]).toEqual([1, true]);
    await ok("network", "disconnect", front, web);
    expect((await client().run("exec", asks, "ping", "-c", "1", "-w", "2", "site")).code).not.toBe(0);
    await ok("rm", "-f", web, asks);
    expect(await ok("network", "rm", front, back)).toBe(`${front}\n${back}`);
  });

  check("network prune leaves what is used", async () => {
    const [unused, used, c] = [name(), name(), name()];
    const label = `suite=${unused}`;
    await create(unused, "--label", label);
    await create(used, "--label", label);
    await ok("run", "-d", "--name", c, "--network", used, image(), "sleep", "1000");
    expect(await ok("network", "prune", "-f", "--filter", `label=${label}`)).toBe(
      `Deleted Networks:\n${unused}\n`,
    );
    await ok("rm", "-f", c);
    await ok("network", "rm", used);
  });
}
