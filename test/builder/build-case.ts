// Builds a case with a client and a daemon, and says what came of it.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";
import { CASES, type Case, type CaseOptions } from "./case.ts";
import { archiveForm, type Expected, filesForm, normalised, printedForm } from "./expected-form.ts";
import { prepareContext } from "./prepare.ts";

export interface Builder {
  /** The program that takes `build …`: docker, docker-buildx, berth. */
  client: string;
  /** The daemon, as DOCKER_HOST has it. */
  host: string;
  /** Address of the test's HTTP server, without scheme: 127.0.0.1:PORT. */
  site: string;
  /** An image to take the frontend from. */
  frontend?: string;
}

/** Milliseconds for a build: the slowest take two seconds on an idle machine. */
const LIMIT = 120_000;

/** Errors: when the client neither built nor said why. */
export async function buildCase(name: string, each: Case, builder: Builder): Promise<Expected> {
  using folder = temporaryFolder();
  const context = join(folder.path, "context");
  prepareContext(join(CASES, name), context, each.prepare);
  const { options } = each;
  const output = join(folder.path, "output");
  const child = Bun.spawn([builder.client, ...argumentsOf(options, folder.path, output, builder)], {
    cwd: context,
    stdin: await standardInput(options, name, context),
    stdout: "pipe",
    stderr: "pipe",
    env: environment(builder, options, folder.path),
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT);
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  clearTimeout(limit);
  const printed = printedForm(stderr);
  // --call=check ends with 1 for warnings alone.
  if ((status === 0) === (printed.error !== undefined) && !options.call)
    throw new Error(`${name}: the client ended with ${status}, and said:\n${stderr}`);
  const outcome: Expected = {
    ...(status === 0 && !options.call ? await resultForm(output, options, each.times) : {}),
    ...(options.call && { printed: stdout.trimEnd().split("\n"), status }),
    ...printed,
  };
  return normalised(outcome, { site: builder.site, folder: folder.path });
}

function argumentsOf(options: CaseOptions, folder: string, output: string, builder: Builder): string[] {
  const list = (flag: string, values: string[] = []) => values.map((value) => `--${flag}=${value}`);
  const one = (flag: string, value: string | undefined) => list(flag, value === undefined ? [] : [value]);
  const secrets = Object.entries(options.secrets ?? {}).map(([id, secret]) => {
    if ("env" in secret) return `id=${id},env=${secret.env}`;
    if ("file" in secret) return `id=${id},src=${secret.file}`;
    writeFileSync(join(folder, `secret-${id}`), secret.text);
    return `id=${id},src=${join(folder, `secret-${id}`)}`;
  });
  const contexts = Object.entries(options.contexts ?? {}).map(([name, value]) => `${name}=${value}`);
  const { context = "." } = options;
  const flags = [
    // From cold, so that nothing depends on what was built before.
    ...["build", "--progress=rawjson", "--no-cache", "--provenance=false"],
    ...one("file", options.file),
    ...one("target", options.target),
    ...one("platform", options.platforms?.join(",")),
    ...list("build-arg", options.buildArgs),
    ...list("build-arg", builder.frontend ? [`BUILDKIT_SYNTAX=${builder.frontend}`] : []),
    ...list("label", options.labels),
    ...list("annotation", options.annotations),
    ...list("secret", secrets),
    ...list("build-context", contexts),
    ...one("network", options.network),
    ...list("add-host", options.addHosts),
    ...one("shm-size", options.shmSize),
    ...list("ulimit", options.ulimits),
    ...list("allow", options.allow),
    ...(options.call ? [`--call=${options.call}`] : [`--output=${outputOf(options, output)}`]),
    context === "tar" || context === "none" ? "-" : context,
  ];
  return flags.map((flag) => flag.replaceAll("SITE_ADDRESS", builder.site));
}

function outputOf({ output = "oci" }: CaseOptions, path: string): string {
  const [type = "", ...attributes] = output.split(",");
  return [`type=${type}`, `dest=${path}`, ...attributes].join(",");
}

async function standardInput({ context, file }: CaseOptions, name: string, folder: string) {
  if (context === "tar") {
    const names = readdirSync(folder).sort();
    return Buffer.from(await Bun.$`tar -C ${folder} -c ${names}`.arrayBuffer());
  }
  if (context === "none" || file === "-") return readFileSync(join(CASES, name, "Dockerfile"));
  return "ignore";
}

function environment(builder: Builder, options: CaseOptions, folder: string): Record<string, string> {
  const config = join(folder, "client");
  mkdirSync(config);
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(?:DOCKER|BUILD|.*_proxy$)/i.test(entry[0]),
  );
  return {
    ...Object.fromEntries(kept),
    DOCKER_HOST: builder.host,
    DOCKER_CONFIG: config,
    BUILDX_CONFIG: config,
    ...options.environment,
  };
}

async function resultForm(path: string, { output = "oci" }: CaseOptions, times: boolean): Promise<Expected> {
  if (!existsSync(path)) throw new Error("the client succeeded and wrote nothing");
  if (output.startsWith("local")) {
    const names = readdirSync(path).sort();
    const packed =
      names.length > 0 ? await Bun.$`tar -C ${path} -c ${names}`.arrayBuffer() : new ArrayBuffer(1024);
    return filesForm(new Uint8Array(packed), { times });
  }
  const archive = new Uint8Array(readFileSync(path));
  return output.startsWith("tar") ? filesForm(archive, { times }) : archiveForm(archive, { times });
}
