// The part of the clients' suite about images, and about what of a container becomes one: diff and commit.
import { expect } from "bun:test";
import { join } from "node:path";
import type { Tools } from "./tools.ts";

/** What a container does to its files, for diff and commit. */
const CHANGES = "mkdir -p /new; echo x > /new/file; rm /bin/wget; echo me:x:7:7::/: >> /etc/passwd";

export function imageCases({ client, image, name, prefix, scratch, check }: Tools): void {
  check("images, history, tag, rmi", async () => {
    const other = `${prefix}-image:v1`;
    await client().ok("tag", image(), other);
    expect(await client().ok("images", "--format", "{{.Repository}}:{{.Tag}}", other)).toBe(other);
    const id = await client().ok("inspect", "-f", "{{.Id}}", other);
    expect(await client().ok("images", "-q", "--no-trunc", other)).toBe(id);
    expect((await client().ok("history", "-q", other)).split("\n").length).toBeGreaterThan(0);
    expect(await client().ok("rmi", other)).toContain(`Untagged: ${other}`);
    expect((await client().run("rmi", other)).stderr).toContain("No such image");
  });

  check("save, load, import", async () => {
    const tag = `${prefix}-saved:v1`;
    const archive = join(scratch(), "saved.tar");
    await client().ok("tag", image(), tag);
    await client().ok("save", "-o", archive, tag);
    await client().ok("rmi", tag);
    expect(await client().ok("load", "-i", archive)).toContain(`Loaded image: ${tag}`);
    await client().ok("rmi", tag);
    const root = join(scratch(), "root");
    await Bun.$`mkdir -p ${root}/bin && cp /bin/busybox ${root}/bin/sh && tar -C ${root} -cf ${root}.tar .`.quiet();
    const imported = `${prefix}-imported:v1`;
    expect(
      await client().ok("import", "-c", 'CMD ["/bin/sh", "-c", "echo imported"]', `${root}.tar`, imported),
    ).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await client().ok("run", "--rm", "--name", name(), imported)).toBe("imported");
    await client().ok("rmi", imported);
  });

  check("diff: what was added, changed and deleted", async () => {
    const c = name();
    await client().ok("create", "--name", c, "-v", "/deep/volume", image(), "sh", "-c", CHANGES);
    expect(await client().ok("diff", c)).toBe("");
    await client().ok("start", "-a", c);
    const expected = [
      "A /deep",
      "A /deep/volume",
      "A /new",
      "A /new/file",
      "C /bin",
      "C /etc",
      "C /etc/passwd",
      "D /bin/wget",
    ];
    expect((await client().ok("diff", c)).split("\n").sort()).toEqual(expected);
    expect(await client().run("diff", `${c}-not`)).toEqual({
      code: 1,
      stdout: "",
      stderr: `Error response from daemon: No such container: ${c}-not\n`,
    });
  });

  check("commit: the changes and a config of its own", async () => {
    const c = name();
    const tag = `${prefix}-committed`;
    await client().ok("run", "--name", c, "-e", "A=1", "-w", "/new", image(), "sh", "-c", CHANGES);
    const changes = [
      "CMD cat file",
      "ENV B=2",
      "LABEL k=v",
      "EXPOSE 80/udp",
      "STOPSIGNAL SIGINT",
      "WORKDIR sub/..",
    ];
    const id = await client().ok(
      "commit",
      "-a",
      "me <me@host>",
      "-m",
      "a message",
      ...changes.flatMap((change) => ["-c", change]),
      c,
      tag,
    );
    const format =
      "{{.Id}} {{.Author}} {{.Comment}} {{json .Config.Cmd}} {{json .Config.Env}} {{json .Config.Labels}} " +
      "{{json .Config.ExposedPorts}} {{.Config.StopSignal}} {{.Config.WorkingDir}} {{len .RootFS.Layers}} {{.Parent}}";
    const [env, layers, parent] = (
      await client().ok(
        "image",
        "inspect",
        "-f",
        "{{json .Config.Env}} {{len .RootFS.Layers}} {{.Id}}",
        image(),
      )
    ).split(" ") as [string, string, string];
    const variables = JSON.stringify(["A=1", ...((JSON.parse(env) as string[] | null) ?? []), "B=2"]);
    expect(await client().ok("image", "inspect", "-f", format, tag)).toBe(
      `${id} me <me@host> a message ["/bin/sh","-c","cat file"] ${variables} {"k":"v"} {"80/udp":{}} SIGINT /new ` +
        `${Number(layers) + 1} ${parent}`,
    );
    expect(
      await client().ok("history", "--no-trunc", "--format", "{{.CreatedBy}}|{{.Comment}}", tag),
    ).toStartWith(`sh -c ${CHANGES}|a message`);
    const seen = await client().run("run", "--rm", "--name", name(), tag);
    expect(seen).toEqual({ code: 0, stdout: "x\n", stderr: "" });
    const again = [
      "run",
      "--rm",
      "--name",
      name(),
      tag,
      "sh",
      "-c",
      "ls /bin/wget; tail -1 /etc/passwd",
    ] as const;
    expect(await client().run(...again)).toMatchObject({ stdout: "me:x:7:7::/:\n" });
    await client().ok("rmi", tag);
  });

  check("commit of a running container: it goes on, and bad input is refused", async () => {
    const c = name();
    await client().ok("run", "-d", "--name", c, image(), "sleep", "3600");
    const id = await client().ok("commit", "--pause=false", c);
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await client().ok("commit", c, `${prefix}-running:v1`)).toMatch(/^sha256:/);
    expect(await client().ok("inspect", "-f", "{{.State.Status}}", c)).toBe("running");
    for (const [args, text] of [
      [[c, "UPPER"], "invalid reference format: repository name (library/UPPER) must be lowercase"],
      [["-c", "FROM x", c], "FROM is not a valid change command"],
      [["-c", "ENV", c], "ENV requires at least one argument"],
      [[`${c}-not`], `No such container: ${c}-not`],
    ] as const) {
      const { code, stderr } = await client().run("commit", ...args);
      expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(text) });
    }
    await client().ok("rm", "-f", c);
    await client().ok("rmi", `${prefix}-running:v1`, id);
  });
}
