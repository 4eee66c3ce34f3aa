// Contexts as Docker's client has them: a conversation with it (docker.txt, recorded with 28.5: each command, what it
// wrote to standard output and standard error, its exit code) repeated with ours, then both on the same files.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_HOST } from "../../../src/sdk/index.ts";
import { berthBinary } from "../../clients/berth-binary.ts";
import { clientOf, dockerBinary } from "../../clients/client.ts";
import { type TemporaryFolder, temporaryFolder } from "../../fixtures/temporary-folder.ts";

interface Exchange {
  command: string;
  stdout: string;
  stderr: string;
  code: string;
}

let folder: TemporaryFolder;
let env: Record<string, string | undefined>;

beforeAll(async () => {
  folder = temporaryFolder();
  mkdirSync(join(folder.path, "bin"));
  mkdirSync(join(folder.path, "cfg"));
  symlinkSync(berthBinary(folder.path), join(folder.path, "bin/docker"));
  const at = (name: string) => join(folder.path, name);
  await Bun.$`openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ${at("ca-key.pem")} -out ${at("ca.pem")}`.quiet();
  await Bun.$`openssl genrsa -out ${at("other-key.pem")} 2048`.quiet();
  writeFileSync(at("good.zip"), Buffer.from(ZIP, "base64"));
  const { DOCKER_HOST: _, DOCKER_CONTEXT: __, ...rest } = process.env;
  env = {
    ...rest,
    FOLDER: folder.path,
    HOME: folder.path,
    DOCKER_CONFIG: at("cfg"),
    PATH: `${at("bin")}:${process.env.PATH}`,
  };
});
afterAll(() => folder[Symbol.dispose]());

/** A context as a zip archive of a stored and a deflated file, as Python's zipfile makes it. */
const ZIP = `
UEsDBBQAAAAAAAAAIVypHUfrcAAAAHAAAAAJAAAAbWV0YS5qc29ueyJOYW1lIjoicSIsIk1ldGFkYXRhIjp7IkRlc2
NyaXB0aW9uIjoiemlwIn0sIkVuZHBvaW50cyI6eyJkb2NrZXIiOnsiSG9zdCI6InRjcDovL3p6OjEiLCJTa2lwVExT
VmVyaWZ5IjpmYWxzZX19fVBLAwQUAAAACAAAACFcemUIKREAAADQBwAAEQAAAHRscy9kb2NrZXIvY2EucGVtq6gYBa
NgFIyCUTAKRsFQBwBQSwECFAMUAAAAAAAAACFcqR1H63AAAABwAAAACQAAAAAAAAAAAAAAgAEAAAAAbWV0YS5qc29u
UEsBAhQDFAAAAAgAAAAhXHplCCkRAAAA0AcAABEAAAAAAAAAAAAAAIABlwAAAHRscy9kb2NrZXIvY2EucGVtUEsFBg
AAAAACAAIAdgAAANcAAAAAAA==`;

/** One exchange a command: `$ command`, then its lines marked `1>` and `2>`, then `rc=`. */
function parse(text: string): Exchange[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = "", ...lines] = part.split("\n");
      const marked = (mark: string) =>
        lines
          .filter((line) => line.startsWith(`  ${mark}> `))
          .map((line) => line.slice(5))
          .join("\n");
      const code = /rc=(\d+)$/.exec(lines.filter(Boolean).at(-1) ?? "")?.[1] ?? "";
      // A file without a last line end: the exit code stands on the same line.
      return { command, stdout: marked("1").replace(/ {2}rc=\d+$/, ""), stderr: marked("2"), code };
    });
}

/** Where the two differ by design: where a daemon is looked for, and an empty list that Docker's client writes. */
function ours(text: string): string {
  return text
    .replaceAll(folder.path, "$FOLDER")
    .replace(/open \/\w*…/g, "open …") // cut where the folder's name is
    .replaceAll(DEFAULT_HOST, "unix:///var/run/docker.sock")
    .replace(/ +/g, " ")
    .trim();
}

const exchanges = parse(readFileSync(new URL("docker.txt", import.meta.url), "utf8"));

test("the recorded conversation", async () => {
  for (const { command, ...expected } of exchanges) {
    const child = Bun.spawn(["bash", "-c", command], {
      cwd: folder.path,
      env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    const answered = { stdout: ours(stdout), stderr: ours(stderr), code: String(await child.exited) };
    const squeezed = {
      ...expected,
      stdout: ours(expected.stdout),
      stderr: ours(expected.stderr),
    };
    expect({ command, ...answered }).toEqual({ command, ...squeezed });
  }
}, 120_000);

test("an archive that is none leaves nothing behind", async () => {
  using other = temporaryFolder();
  const client = clientOf("berth", join(folder.path, "bin/docker"), "", join(other.path, "cfg"));
  const meta = join(other.path, "meta.json");
  writeFileSync(meta, '{"Name":"x","Endpoints":{"docker":{"Host":"tcp://x:1"}}}');
  mkdirSync(join(other.path, "tls/a/b"), { recursive: true });
  writeFileSync(join(other.path, "tls/a/b/c"), "x");
  symlinkSync("/etc/passwd", join(other.path, "tls/link"));
  const archive = join(other.path, "a.tar");
  const refused = async (message: string, ...words: string[]) => {
    await Bun.$`tar -C ${other.path} --format=ustar -cf ${archive} ${words}`.quiet();
    expect((await client.run("context", "import", "xx", archive)).stderr).toBe(`${message}\n`);
    expect((await client.run("context", "ls", "-q")).stdout).toBe("default\n");
  };
  await refused("archive format is invalid", "meta.json", "tls/a/b/c");
  await refused(
    "tls/a/b/../x: unexpected path format",
    "meta.json",
    "--transform=s,b/c,b/../x,",
    "tls/a/b/c",
  );
  await refused("/etc/x: unexpected context file", "-P", "--transform=s,meta.json,/etc/x,", "meta.json");
  await refused("invalid context: no metadata found", "tls/link");
  await Bun.$`head -c 11000000 /dev/zero > ${join(other.path, "tls/big")}`.quiet();
  await refused("read exceeds the defined limit", "meta.json", "tls/big");
});

const docker = dockerBinary();
if (!docker) console.log("skipped: there is no Docker client on this machine");
test.skipIf(!docker)("both clients share the files, in both directions", async () => {
  using other = temporaryFolder();
  const config = join(other.path, "cfg");
  const mine = clientOf("berth", join(folder.path, "bin/docker"), "", config);
  const theirs = clientOf("docker", docker ?? "", "", config);
  const tls = `ca=${folder.path}/ca.pem,cert=${folder.path}/ca.pem,key=${folder.path}/ca-key.pem`;
  await mine.ok(
    "context",
    "create",
    "from-us",
    "--description",
    "a <b>",
    "--docker",
    `host=tcp://h:1,${tls}`,
  );
  await theirs.ok("context", "create", "from-them", "--docker", `host=tcp://i:2,${tls},skip-tls-verify=true`);
  for (const name of ["from-us", "from-them"])
    expect(await mine.ok("context", "inspect", name)).toBe(await theirs.ok("context", "inspect", name));
  expect(
    await mine.ok("context", "ls", "--format", "{{.Name}} {{.Description}} {{.DockerEndpoint}}"),
  ).toContain("from-us a <b> tcp://h:1");
  await theirs.ok("context", "use", "from-us");
  expect(await mine.ok("context", "show")).toBe("from-us");
  await mine.ok("context", "use", "from-them");
  expect(await theirs.ok("context", "show")).toBe("from-them");
  await mine.ok("context", "export", "from-us", join(other.path, "ours"));
  await theirs.ok("context", "export", "from-them", join(other.path, "theirs"));
  await theirs.ok("context", "import", "again-us", join(other.path, "ours"));
  await mine.ok("context", "import", "again-them", join(other.path, "theirs"));
  for (const name of ["again-us", "again-them"])
    expect(await mine.ok("context", "inspect", name)).toBe(await theirs.ok("context", "inspect", name));
  await mine.ok("context", "update", "from-them", "--docker", "host=tcp://j:3");
  expect(
    await theirs.ok("context", "inspect", "-f", "{{.Endpoints.docker.Host}} {{.TLSMaterial}}", "from-them"),
  ).toBe("tcp://j:3 map[]");
  await theirs.ok("context", "rm", "from-us");
  expect((await mine.run("context", "inspect", "from-us")).code).toBe(1);
  await mine.ok("context", "rm", "-f", "from-them");
  expect(await theirs.ok("context", "ls", "-q")).toBe("again-them\nagain-us\ndefault");
});

test("config.json: a link is followed, its mode kept, what we don't know too, a broken one not written over", async () => {
  using other = temporaryFolder();
  const config = join(other.path, "cfg");
  const client = clientOf("berth", join(folder.path, "bin/docker"), "", config);
  await client.ok("context", "create", "aa", "--docker", "host=tcp://a:1");
  const real = join(other.path, "real.json");
  writeFileSync(real, '{"mine":{"x":1},"detachKeys":"ctrl-a"}', { mode: 0o644 });
  symlinkSync(real, join(config, "config.json"));
  await client.ok("context", "use", "aa");
  expect(JSON.parse(readFileSync(real, "utf8"))).toEqual({
    mine: { x: 1 },
    detachKeys: "ctrl-a",
    currentContext: "aa",
  });
  writeFileSync(real, '{"detachKeys": broken}');
  const refused = await client.run("context", "use", "aa");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("is not written over");
  expect(readFileSync(real, "utf8")).toBe('{"detachKeys": broken}');
  rmSync(real);
});
