// What our client's builds do on any daemon that speaks BuildKit's protocol. Bases are made by `import`: there is no registry.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Client } from "./client.ts";

export interface BuildSuite {
  client: Client;
  /** A busybox image. */
  image: string;
  /**
   * Whether a build may be forgotten whose log was read: Docker 28's daemon ends at the next list of builds that has a
   * limit (BuildKit 0.25), and its own client sends one.
   */
  forgets: boolean;
}

/** Milliseconds: a build of several steps, on a machine of two cores that others use too. */
setDefaultTimeout(60_000);

/** Times and digests, which are others each time. */
const plain = (text: string) =>
  text
    .replace(/sha256:[0-9a-f]{64}/g, "sha256:…")
    .replace(/^(#\d+) \d+\.\d+ /gm, "$1 T ")
    .replace(/ \d+\.\d+s/g, "");

export function buildSuite(name: string, given: () => BuildSuite): void {
  describe(`builds, ${name}`, () => {
    let folder: string;
    let client: Client;
    const tag = `berth-build-${crypto.randomUUID().slice(0, 8)}`;

    /** A context with a Dockerfile on the base, and files. */
    function context(dockerfile: string, files: Record<string, string> = {}): string {
      const path = mkdtempSync(join(folder, "context-"));
      writeFileSync(join(path, "Dockerfile"), `FROM ${given().image}\n${dockerfile}`);
      for (const [file, text] of Object.entries(files)) {
        mkdirSync(join(path, file, ".."), { recursive: true });
        writeFileSync(join(path, file), text);
      }
      return path;
    }

    beforeAll(() => {
      folder = mkdtempSync("/var/tmp/berth-build-");
      client = given().client;
    });
    afterAll(async () => {
      await client.run("rmi", "-f", tag);
      rmSync(folder, { recursive: true, force: true });
    });

    test("an image from a folder runs, and has its labels and arguments", async () => {
      const path = context('ARG A=none\nCOPY in /in\nRUN echo "$A" >> /in\nCMD ["cat", "/in"]\n', {
        in: "file\n",
      });
      const id = await client.ok("build", "-q", "-t", tag, "--build-arg", "A=given", "--label", "l=x", path);
      expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(await client.ok("run", "--rm", tag)).toBe("file\ngiven");
      expect(await client.ok("inspect", "-f", "{{.Config.Labels.l}}", tag)).toBe("x");
    });

    test("files that .dockerignore names stay here", async () => {
      const path = context("COPY . /all\n", {
        ".dockerignore": "secret\n*.log\n!kept.log\n",
        secret: "s",
        "a.log": "a",
        "kept.log": "k",
      });
      const out = join(folder, "ignored");
      await client.ok("build", "-q", "-o", out, path);
      expect(readdirSync(join(out, "all")).sort()).toEqual([".dockerignore", "Dockerfile", "kept.log"]);
    });

    test("a second build takes all from the cache, and says so in plain lines", async () => {
      const path = context("RUN echo once > /once\n");
      await client.ok("build", "-q", path);
      const { code, stderr } = await client.run("build", "--progress=plain", path);
      expect(code).toBe(0);
      expect(plain(stderr)).toContain("[2/2] RUN echo once > /once\n#5 CACHED\n");
      expect(stderr).toStartWith(
        '#0 building with "default" instance using docker driver\n\n#1 [internal] load build definition',
      );
    });

    test("a step that fails is told with its output, the lines of the Dockerfile and its status", async () => {
      const path = context('RUN echo before; exit 7\nCMD ["x"]\n');
      const { code, stderr } = await client.run("build", "--progress=plain", path);
      expect(code).toBe(1);
      expect(stderr).toMatch(/------\n > \[2\/2\] RUN echo before; exit 7:\n\d\.\d+ before\n------\n/);
      expect(stderr).toContain(
        `Dockerfile:2\n--------------------\n   1 |     FROM ${given().image}\n   2 | >>> RUN echo before; exit 7\n`,
      );
      expect(stderr).toEndWith(
        'ERROR: failed to build: failed to solve: process "/bin/sh -c echo before; exit 7" did not complete successfully: exit code: 7\n',
      );
    });

    test("secrets are there for their step alone", async () => {
      const path = context(
        "RUN --mount=type=secret,id=s cat /run/secrets/s > /seen\nRUN test ! -e /run/secrets/s\n",
        { key: "from a file" },
      );
      const out = join(folder, "secret");
      await client.ok("build", "-q", "--secret", `id=s,src=${path}/key`, "-o", out, path);
      expect(readFileSync(join(out, "seen"), "utf8")).toBe("from a file");
      const missing = await client.run("build", "--secret", "id=nothing,src=/nowhere", path);
      expect(missing.stderr).toBe(
        "ERROR: failed to build: failed to stat /nowhere: stat /nowhere: no such file or directory\n",
      );
    });

    test("results come as a folder, an archive in a file, and one on standard output", async () => {
      const path = context("", { in: "x" });
      writeFileSync(join(path, "Dockerfile"), "FROM scratch\nCOPY --chmod=4750 in /sub/in\n");
      const out = join(folder, "results");
      await client.ok("build", "-q", "-o", `${out}/as-folder`, "-o", `type=tar,dest=${out}/as.tar`, path);
      expect(statSync(`${out}/as-folder/sub/in`).mode & 0o7777).toBe(0o4750);
      expect(await Bun.$`tar tf ${out}/as.tar`.text()).toBe("sub/\nsub/in\n");
      const { stdout } = await client.run("build", "-o", "-", path);
      expect(stdout).toContain("sub/in");
    });

    test("many megabytes arrive whole, and come back", async () => {
      const path = context("");
      writeFileSync(join(path, "Dockerfile"), "FROM scratch\nCOPY blob /\n");
      const blob = crypto.getRandomValues(Buffer.alloc(65_536));
      writeFileSync(join(path, "blob"), Buffer.concat(Array.from({ length: 300 }, () => blob)));
      const out = join(folder, "many");
      await client.ok("build", "-q", "-o", out, path);
      expect(readFileSync(join(out, "blob")).equals(readFileSync(join(path, "blob")))).toBe(true);
    });

    test("a context may be an archive on standard input, or a Dockerfile alone", async () => {
      const path = context("COPY in /in\nRUN grep -q arrived /in\n", { in: "arrived" });
      const archive = (await Bun.$`tar -C ${path} -cf - .`.quiet()).stdout;
      expect((await client.feed(archive, "build", "-q", "-")).stderr).toBe("");
      expect((await client.feed(`FROM ${given().image}\nRUN true\n`, "build", "-q", "-")).code).toBe(0);
      expect(
        (await client.feed(`FROM ${given().image}\nCOPY in /\n`, "build", "-q", "-f", "-", path)).code,
      ).toBe(0);
    });

    test("named contexts are folders, images and layouts", async () => {
      const path = context("COPY --from=files in /in\nCOPY --from=other bin/sh /sh\n");
      const other = context("", { in: "x" });
      const layout = join(folder, "layout");
      await client.ok("build", "-q", "-o", `type=oci,tar=false,dest=${layout}`, context("RUN echo a > /a\n"));
      const { code, stderr } = await client.run(
        "build",
        "-q",
        "--build-context",
        `files=${other}`,
        "--build-context",
        `other=docker-image://${given().image}`,
        path,
      );
      expect([code, stderr]).toEqual([0, ""]);
      const out = join(folder, "from-layout");
      const fromLayout = context("");
      writeFileSync(join(fromLayout, "Dockerfile"), "FROM scratch\nCOPY --from=base /a /a\n");
      await client.ok("build", "-q", "--build-context", `base=oci-layout://${layout}`, "-o", out, fromLayout);
      expect(readFileSync(join(out, "a"), "utf8")).toBe("a\n");
    });

    test("a cache in a folder is written, and read again", async () => {
      const path = context("RUN echo cached > /c\n");
      const cache = join(folder, "cache");
      await client.ok("build", "-q", "--cache-to", `type=local,dest=${cache}`, path);
      const { stderr } = await client.run(
        "build",
        "--progress=plain",
        "--cache-from",
        `type=local,src=${cache}`,
        path,
      );
      expect(stderr).toContain("importing cache manifest from local:");
      expect(stderr).toContain("CACHED");
    });

    test("checks are told with their lines, and end with a status", async () => {
      const path = context("MAINTAINER me\n");
      const { code, stdout } = await client.run("build", "--check", path);
      expect(code).toBe(1);
      expect(stdout).toContain(
        "Check complete, 1 warning has been found!\n\nWARNING: MaintainerDeprecated - https://",
      );
      expect(stdout).toContain("   2 | >>> MAINTAINER me\n");
      expect(await client.ok("build", "--check", context("RUN true\n"))).toBe(
        "Check complete, no warnings found.",
      );
      expect(await client.ok("build", "--call=targets", context("RUN true\n"))).toStartWith("TARGET");
    });

    test("metadata and the image's id are left in files", async () => {
      const [id, metadata] = [join(folder, "id"), join(folder, "metadata.json")];
      await client.ok(
        "build",
        "-q",
        "-t",
        tag,
        "--iidfile",
        id,
        "--metadata-file",
        metadata,
        context("RUN true\n"),
      );
      const content = JSON.parse(readFileSync(metadata, "utf8"));
      expect(content["image.name"]).toBe(`docker.io/library/${tag}:latest`);
      expect(content["containerimage.digest"]).toStartWith("sha256:");
      expect(content["buildx.build.ref"]).toMatch(/^default\/default\/[a-z0-9]{25}$/);
      expect(readFileSync(id, "utf8")).toStartWith("sha256:");
    });

    test("Ctrl-C ends the build on the daemon, with status 130", async () => {
      const path = context("RUN echo here; sleep 600\n");
      await using build = client.start("build", "--progress=plain", path);
      await build.until(/ here\n/);
      build.kill("SIGINT");
      const text = await build.until(/ERROR:/);
      expect(text).toContain("CANCELED");
      expect(await build.exited).toBe(130);
    });

    test("in a terminal the steps stand in lines, with the output of those that run", async () => {
      const path = context("RUN echo in-the-window; sleep 1\n");
      await using build = client.terminal("build", "--no-cache", path);
      await build.until(/ => => # in-the-window/);
      await build.until(/\[\+\] Building \d\.\ds \(\d+\/\d+\) FINISHED +docker:default/);
      expect(await build.exited).toBe(0);
    });

    test("the history has the build, with its log; the cache has its records", async () => {
      // Others may build on the same daemon: the last build isn't surely this one.
      const metadata = join(folder, "history.json");
      const path = context("RUN echo in-the-log\n");
      await client.ok("build", "-q", "--no-cache", "--metadata-file", metadata, path);
      const ref = JSON.parse(readFileSync(metadata, "utf8"))["buildx.build.ref"];
      const records = (await client.ok("buildx", "history", "ls", "--format", "json"))
        .split("\n")
        .map((line) => JSON.parse(line));
      const { name, status } = records.find((record) => record.ref === ref);
      expect([name, status]).toEqual([basename(path), "Completed"]);
      const { stderr } = await client.run("buildx", "history", "logs", ref);
      expect(stderr).toContain(" in-the-log\n");
      expect(await client.ok("buildx", "du")).toMatch(/^ID +RECLAIMABLE +SIZE +LAST ACCESSED\n/);
      if (!given().forgets) return;
      await client.ok("buildx", "history", "rm", ref);
      expect(await client.ok("buildx", "history", "ls", "--format", "json")).not.toContain(ref);
    });

    test.each([
      [["nowhere"], 'ERROR: failed to build: unable to prepare context: path "nowhere" not found'],
      [["-t", "BAD", "."], 'ERROR: failed to build: invalid tag "BAD": repository name must be lowercase'],
      [["--progress=nope", "."], "ERROR: invalid progress mode nope"],
      [["-q", "--progress=plain", "."], "ERROR: progress=plain and quiet cannot be used together"],
      [["-o", "type=local", "."], "ERROR: failed to build: dest is required for local exporter"],
      [["--builder", "nope", "."], 'ERROR: no builder "nope" found'],
    ])("build %j is refused", async (args, message) => {
      const { code, stderr } = await client.run("build", ...args);
      expect([code, stderr]).toEqual([1, `${message}\n`]);
    });
  });
}
