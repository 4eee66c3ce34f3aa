// `buildx bake` of our client on any daemon that speaks BuildKit's protocol.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "./client.ts";

export interface BakeSuite {
  client: Client;
  /** A busybox image. */
  image: string;
}

/** Milliseconds: several builds, on a machine of two cores that others use too. */
const PATIENCE = 60_000;

export function bakeSuite(name: string, given: () => BakeSuite): void {
  describe(`bake, ${name}`, () => {
    let folder: string;
    let client: Client;
    let file: string;
    const tag = `berth-bake-${crypto.randomUUID().slice(0, 8)}`;

    beforeAll(() => {
      folder = mkdtempSync("/var/tmp/berth-bake-");
      client = given().client;
      file = join(folder, "docker-bake.hcl");
      writeFileSync(
        file,
        `variable "TAG" { default = "${tag}" }
group "default" {
  targets = ["one", "two"]
}
target "base" {
  dockerfile-inline = "FROM ${given().image}\\nENV WORD=base\\nRUN echo $\${WORD} > /word\\n"
}
target "one" {
  dockerfile-inline = "FROM linked\\nARG N\\nRUN echo $WORD $N >> /word\\nCMD [\\"cat\\", \\"/word\\"]\\n"
  contexts = { linked = "target:base" }
  args = { N = 1 }
  tags = ["\${TAG}-one"]
}
target "two" {
  inherits = ["one"]
  args = { N = 2 }
  tags = ["\${TAG}-two"]
}
target "failing" {
  dockerfile-inline = "FROM ${given().image}\\nRUN exit 5\\n"
}
target "files" {
  dockerfile-inline = "FROM scratch\\nCOPY --from=b /word /\\n"
  contexts = { b = "target:base" }
  output = ["${folder}/out"]
}
`,
      );
    });
    afterAll(async () => {
      await client.run("rmi", "-f", `${tag}-one`, `${tag}-two`);
      rmSync(folder, { recursive: true, force: true });
    });
    const bake = (...args: string[]) => client.run("buildx", "bake", "--allow=fs=*", "-f", file, ...args);

    test(
      "targets stand on others, and are told apart in the display and the metadata",
      async () => {
        const metadata = join(folder, "metadata.json");
        const { code, stderr } = await bake("--progress=plain", "--metadata-file", metadata);
        expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
        expect(stderr).toContain("[base internal] load build definition from Dockerfile\n");
        expect(stderr).toContain("[two] exporting to image\n");
        expect(await client.ok("run", "--rm", `${tag}-one`)).toBe("base\nbase 1");
        expect(await client.ok("run", "--rm", `${tag}-two`)).toBe("base\nbase 2");
        const content = JSON.parse(readFileSync(metadata, "utf8"));
        expect(Object.keys(content)).toEqual(["base", "one", "two"]);
        expect(content.one["image.name"]).toBe(`docker.io/library/${tag}-one:latest`);
      },
      PATIENCE,
    );

    test(
      "a failing target is named, with its place, and the others are broken off",
      async () => {
        const { code, stderr } = await bake("failing", "one");
        expect(code).toBe(1);
        expect(stderr).toContain("   2 | >>> RUN exit 5\n");
        expect(stderr).toEndWith(
          'ERROR: target failing: failed to solve: process "/bin/sh -c exit 5" did not complete successfully: exit code: 5\n',
        );
      },
      PATIENCE,
    );

    test(
      "results go to folders, which the command line allows",
      async () => {
        expect((await bake("files")).code).toBe(0);
        expect(readFileSync(join(folder, "out/word"), "utf8")).toBe("base\n");
        const refused = await client.run("buildx", "bake", "-f", file, "files");
        expect(refused.code).toBe(1);
        expect(refused.stderr).toContain(` - Write access to path ${folder}`);
        expect(refused.stderr).toEndWith("ERROR: additional privileges requested\n");
      },
      PATIENCE,
    );

    test("checks are answered for each target", async () => {
      const { code, stdout } = await bake("--check", "base", "failing");
      expect([code, stdout]).toEqual([
        0,
        "base\n\nCheck complete, no warnings found.\n\nfailing\n\nCheck complete, no warnings found.\n",
      ]);
    });
  });
}
