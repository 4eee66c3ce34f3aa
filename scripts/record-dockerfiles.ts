// Records what a Docker says of the Dockerfiles in src/builder/dockerfile/*.cases.ts, so that tests hold ours against it
// where there is no Docker: warnings and errors of `--check`, and the configuration and history of built images.
//
//   sh scripts/bun.sh scripts/record-dockerfiles.ts docker
//
// The arguments are the command that is Docker's client (buildx included); Dockerfiles go to it by its standard input.
import { CHECK_CASES, type CheckCase } from "../src/builder/dockerfile/check.cases.ts";
import { IMAGE_CASES } from "../src/builder/dockerfile/plan/image.cases.ts";

const docker = process.argv.slice(2);
const folder = "src/builder/dockerfile";

function run(args: readonly string[], input: string): { output: string; errors: string } {
  const done = Bun.spawnSync([...docker, ...args], {
    stdin: Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
  });
  return { output: done.stdout.toString(), errors: done.stderr.toString() };
}

const flagsOf = ({ buildArgs = {}, target }: CheckCase): string[] => [
  ...Object.entries(buildArgs).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
  ...(target ? ["--target", target] : []),
];

interface Found {
  warnings?: { ruleName: string; detail: string; url?: string; location: Place }[];
  buildError?: { message: string; location: Place };
}
interface Place {
  ranges?: { start: { line?: number } }[];
}
const linesOf = ({ ranges = [] }: Place): number[] => ranges.map(({ start }) => start.line ?? 0);

function check(dockerfile: CheckCase) {
  const { output, errors } = run(
    ["build", "--call=check,format=json", ...flagsOf(dockerfile), "-"],
    dockerfile.dockerfile,
  );
  const found: Found = output.trimStart().startsWith("{") ? JSON.parse(output) : {};
  const warnings = (found.warnings ?? []).map(({ ruleName, detail, url, location }) => ({
    rule: ruleName,
    message: detail,
    url: url ?? "",
    lines: linesOf(location),
  }));
  const refused = /^ERROR: (?:failed to build: )?(?:failed to solve: )?(.*)$/m.exec(errors)?.[1];
  const { buildError } = found;
  const error = buildError
    ? { message: buildError.message, lines: linesOf(buildError.location) }
    : refused && { message: refused, lines: [] };
  return { warnings, ...(error && { error }) };
}

function image(dockerfile: CheckCase) {
  const tag = "recorded-dockerfile";
  const { errors } = run(
    ["build", "--progress=plain", "--no-cache", "--provenance=false", "-t", tag, ...flagsOf(dockerfile), "-"],
    dockerfile.dockerfile,
  );
  const steps = [...errors.matchAll(/^#\d+ (\[.*)$/gm)].map(([, name]) => name);
  if (/^ERROR/m.test(errors)) throw new Error(`${dockerfile.dockerfile}\n${errors}`);
  const config = JSON.parse(run(["image", "inspect", "--format", "{{json .Config}}", tag], "").output);
  const history = run(["history", "--no-trunc", "--format", "{{json .CreatedBy}}", tag], "").output;
  run(["rmi", tag], "");
  return {
    config,
    history: history
      .trim()
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line))
      .reverse(),
    steps,
  };
}

await Bun.write(`${folder}/check.recorded.json`, `${JSON.stringify(CHECK_CASES.map(check), null, 1)}\n`);
await Bun.write(`${folder}/plan/image.recorded.json`, `${JSON.stringify(IMAGE_CASES.map(image), null, 1)}\n`);
