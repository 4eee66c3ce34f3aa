// Records what Docker's CLI makes of each template: the data goes in as a context's metadata, which needs no
// daemon. Usage: bun src/cli/template/cases/record.ts, where `docker` is Docker's own; writes expected.json.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const here = import.meta.dir;
const data = JSON.parse(readFileSync(join(here, "data.json"), "utf8"));
const templates = readFileSync(join(here, "templates.txt"), "utf8").trimEnd().split("\n");

const config = mkdtempSync(join(tmpdir(), "berth-record-"));
const id = new Bun.CryptoHasher("sha256").update("sample").digest("hex");
mkdirSync(join(config, "contexts/meta", id), { recursive: true });
writeFileSync(
  join(config, "contexts/meta", id, "meta.json"),
  JSON.stringify({
    Name: "sample",
    Metadata: data,
    Endpoints: { docker: { Host: "unix:///nowhere", SkipTLSVerify: false } },
  }),
);

const expected = templates.map((short) => {
  const template = short.replaceAll("@", ".Metadata.Metadata.AdditionalFields.");
  const child = Bun.spawnSync(["docker", "context", "inspect", "sample", "--format", template], {
    env: { PATH: process.env.PATH, DOCKER_CONFIG: config },
  });
  const stderr = child.stderr.toString();
  return child.exitCode === 0
    ? { template, output: child.stdout.toString().replace(/\n$/, "") }
    : { template, error: stderr.trimEnd().split("\n")[0] };
});
rmSync(config, { recursive: true });
writeFileSync(join(here, "expected.json"), `${JSON.stringify(expected, null, 1)}\n`);
