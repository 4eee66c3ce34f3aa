// The part of the clients' suite about files: cp in both directions, export.
import { expect } from "bun:test";
import { lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Tools } from "./tools.ts";

export function copyCases({ client, image, name, check, scratch }: Tools): void {
  check("cp takes files, folders, links and streams in and out", async () => {
    const c = name();
    await client().ok(
      "run",
      "-d",
      "--network",
      "none",
      "--name",
      c,
      "-v",
      `${c}:/volume`,
      image(),
      "sleep",
      "1000",
    );
    const local = (path: string) => join(scratch(), c, path);
    mkdirSync(local("tree/sub"), { recursive: true });
    writeFileSync(local("tree/file"), "file\n", { mode: 0o640 });
    writeFileSync(local("tree/sub/deep"), "deep\n");
    symlinkSync("file", local("tree/link"));
    symlinkSync("tree", local("to-tree"));
    const inside = async (script: string) => (await client().ok("exec", c, "sh", "-c", script)).split("\n");

    await client().ok("cp", local("tree"), `${c}:/tmp/new`);
    await client().ok("cp", local("tree"), `${c}:/volume`);
    await client().ok("cp", `${local("tree")}/.`, `${c}:/tmp`);
    await client().ok("cp", local("to-tree"), `${c}:/tmp/as-link`);
    await client().ok("cp", "-L", local("to-tree"), `${c}:/tmp/as-folder`);
    await client().ok("cp", local("tree/file"), `${c}:/tmp/renamed`);
    expect(
      await inside(
        "cat /tmp/new/sub/deep /volume/tree/sub/deep /tmp/sub/deep /tmp/as-folder/file /tmp/renamed",
      ),
    ).toEqual(["deep", "deep", "deep", "file", "file"]);
    expect(await inside("readlink /tmp/as-link; readlink /tmp/new/link; stat -c %a /tmp/renamed")).toEqual([
      "tree",
      "file",
      "640",
    ]);

    await client().ok("stop", "-t", "0", c);
    await client().ok("cp", `${c}:/tmp/new`, local("back"));
    await client().ok("cp", `${c}:/volume/tree/.`, local("back"));
    await client().ok("cp", "-L", `${c}:/tmp/new/link`, local("followed"));
    await client().ok("cp", `${c}:/tmp/new/link`, local("as-it-is"));
    expect(readFileSync(local("back/sub/deep"), "utf8")).toBe("deep\n");
    expect(lstatSync(local("back/file")).mode & 0o777).toBe(0o640);
    expect(readFileSync(local("followed"), "utf8")).toBe("file\n");
    expect(readlinkSync(local("as-it-is"))).toBe("file");

    await client().ok("cp", "-q", `${c}:/tmp/new`, local("quiet"));
    const stream = Bun.spawnSync(["tar", "-C", local("tree"), "-c", "sub"]).stdout;
    expect((await client().feed(stream, "cp", "-", `${c}:/volume`)).code).toBe(0);
    await client().ok("start", c);
    expect(await inside("cat /volume/sub/deep")).toEqual(["deep"]);
    const out = await client().run("cp", `${c}:/volume/sub/deep`, "-");
    expect([out.code, out.stdout.slice(0, 4), out.stdout.slice(512, 517)]).toEqual([0, "deep", "deep\n"]);
    await client().ok("rm", "-f", "-v", c);
    await client().ok("volume", "rm", c);
  });

  check("cp refuses in the client's words", async () => {
    const c = name();
    await client().ok("create", "--network", "none", "--read-only", "--name", c, image(), "true");
    writeFileSync(join(scratch(), "f"), "f");
    for (const [args, text] of [
      [["a", "b"], "must specify at least one container source"],
      [["x:a", "y:b"], "copying between containers is not supported"],
      [["", "y:b"], "source can not be empty"],
      [["x:a", ""], "destination can not be empty"],
      [
        [`${c}:/nothing`, scratch()],
        `Error response from daemon: Could not find the file /nothing in container ${c}`,
      ],
      [
        [`${c}:/etc/passwd`, `${scratch()}/none/x`],
        `invalid output path: directory "${scratch()}/none" does not exist`,
      ],
      [[`${c}:/etc/passwd`, `${scratch()}/none/`], "no such directory"],
      [[`${c}:/etc`, `${scratch()}/f`], "cannot copy directory"],
      [
        [`${c}:/etc/passwd`, "/dev/null"],
        'invalid output path: "/dev/null" must be a directory or a regular file: got a device',
      ],
      [[`${scratch()}/none`, `${c}:/tmp`], `lstat ${scratch()}/none: no such file or directory`],
      [[`${scratch()}/f`, `${c}:/none/`], "no such directory"],
      [
        [`${scratch()}/f`, `${c}:/none/x`],
        `Error response from daemon: Could not find the file /none in container ${c}`,
      ],
      [[`${scratch()}/f`, `${c}:/tmp`], "Error response from daemon: container rootfs is marked read-only"],
      [[scratch(), `${c}:/etc/passwd`], "cannot copy directory"],
      [["-", `${c}:/etc/passwd`], `destination "${c}:/etc/passwd" must be a directory`],
    ] as const) {
      const result = await client().run("cp", ...args);
      expect([
        result.code,
        result.stderr
          .split("\n")
          .filter((line) => !line.startsWith("time="))
          .join("\n"),
      ]).toEqual([1, `${text}\n`]);
    }
  });

  check("cp says on a terminal how much it was", async () => {
    const c = name();
    await client().ok("create", "--network", "none", "--name", c, image(), "true");
    writeFileSync(join(scratch(), "sized"), "x".repeat(5000));
    await using copying = client().terminal("cp", join(scratch(), "sized"), `${c}:/tmp`);
    await copying.until(new RegExp(`Successfully copied 6.66kB to ${c}:/tmp\r\n`));
    expect(await copying.exited).toBe(0);
  });

  check("export gives what import takes", async () => {
    const c = name();
    await client().ok(
      "run",
      "--network",
      "none",
      "--name",
      c,
      image(),
      "sh",
      "-c",
      "echo exported > /of-it; ln /of-it /hard",
    );
    const file = join(scratch(), `${c}.tar`);
    await client().ok("export", "-o", file, c);
    await client().ok("import", "-c", "CMD cat /hard", file, c);
    expect(await client().ok("run", "--rm", "--network", "none", "--name", name(), c)).toBe("exported");
    await client().ok("rmi", c);
    const streamed = await client().run("export", c);
    expect([streamed.code, streamed.stdout.length > 1_000_000]).toEqual([0, true]);
    await using refused = client().terminal("export", c);
    await refused.until(/cowardly refusing to save to a terminal. Use the -o flag or redirect/);
    expect(await refused.exited).toBe(1);
    const nowhere = await client().run("export", "-o", `${scratch()}/none/x`, c);
    expect(nowhere.stderr).toBe(
      `failed to export container: invalid output path: stat ${scratch()}/none: no such file or directory\n`,
    );
  });
}
