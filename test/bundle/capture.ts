// Records what a Docker engine makes of the cases: `BERTH_PEER=/path/run/docker.sock bun test/bundle/capture.ts [NAME…]`.
// The socket's folder must be the engine's own /run, since containerd's bundles are read below it. It needs root. Run
// it on one of the kinds of host that Berth knows; test/bundle/compare.test.ts then needs neither the engine nor root.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import type { HostConfig } from "../../src/api/types/index.ts";
import { deviceNumber, findDevices, hostDevices } from "../../src/runtime/bundle/devices.ts";
import { hostFacts } from "../../src/runtime/bundle/host-facts.ts";
import { limitedDevices } from "../../src/runtime/bundle/resources.ts";
import type { Spec } from "../../src/runtime/bundle/spec.ts";
import { detectEnvironment } from "../../src/runtime/index.ts";
import { CASES, type Case, caseNames, IMAGE, RECORDED, type RecordedHost, type Recording } from "./case.ts";
import { type Json, normalForm, type Replacements } from "./normal-form.ts";
import { REFUSALS, type RecordedRefusal, type Refusal } from "./refusals.ts";
import { makeRootfs } from "./rootfs.ts";

const socket = process.env.BERTH_PEER;
if (!socket) throw new Error("BERTH_PEER is not set: the path of a Docker engine's socket");
const bundles = join(dirname(socket), "docker/containerd/daemon/io.containerd.runtime.v2.task/moby");
const name = `bundle-${process.pid}`;
const image = `${name}:1`;

async function call(method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(`http://peer/v1.51${path}`, {
    unix: socket,
    method,
    ...(body !== undefined && {
      body: body instanceof Blob ? body : JSON.stringify(body),
      headers: { "Content-Type": body instanceof Blob ? "application/x-tar" : "application/json" },
    }),
  } as RequestInit);
}

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await call(method, path, body);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

async function makeImage(): Promise<void> {
  const root = mkdtempSync("/var/tmp/berth-capture-");
  try {
    makeRootfs(root);
    const tar = Bun.spawnSync(["tar", "-C", root, "-c", "."]);
    const changes = [...IMAGE.Env.map((entry) => `ENV ${entry}`), `CMD ${JSON.stringify(IMAGE.Cmd)}`];
    const query = changes.map((change) => `changes=${encodeURIComponent(change)}`).join("&");
    const answer = await call(
      "POST",
      `/images/create?fromSrc=-&repo=${name}&tag=1&${query}`,
      new Blob([tar.stdout]),
    );
    const said = await answer.text();
    if (!answer.ok || said.includes('"error"')) throw new Error(said);
  } finally {
    rmSync(root, { recursive: true });
  }
}

interface Inspected {
  Id: string;
  State: { Pid: number };
  HostnamePath: string;
  Mounts: { Type: string; Name?: string; Source: string; Destination: string }[];
}

async function start(config: object, hostConfig: HostConfig): Promise<{ id: string; warnings: string[] }> {
  const { Id: id, Warnings: warnings } = await ask<{ Id: string; Warnings: string[] }>(
    "POST",
    `/containers/create`,
    { ...config, Image: image, HostConfig: hostConfig },
  );
  try {
    await ask("POST", `/containers/${id}/start`);
  } catch (error) {
    await remove(id);
    throw error;
  }
  return { id, warnings };
}
const remove = (id: string) => ask("DELETE", `/containers/${id}?force=true&v=true`);

async function record({ config, hostConfig, joins }: Case): Promise<Recording> {
  const joined = joins ? await start({}, { IpcMode: "shareable" }) : undefined;
  try {
    const text = JSON.stringify(hostConfig).replaceAll("JOINED", joined?.id ?? "JOINED");
    const { id, warnings } = await start(config, JSON.parse(text));
    try {
      const spec = JSON.parse(readFileSync(join(bundles, id, "config.json"), "utf8"), exactNumbers) as Spec;
      const replacements = await replacementsOf(id, joined?.id, spec);
      const facts = await lookUp(hostConfig);
      return { warnings, spec: normalForm(spec, replacements), facts };
    } finally {
      await remove(id);
    }
  } finally {
    if (joined) await remove(joined.id);
  }
}

/** Unlimited is 2^64-1, which a number can't hold. */
const exactNumbers = (_key: string, value: unknown, context?: { source?: string }): unknown =>
  typeof value === "number" && !Number.isSafeInteger(value) && context?.source
    ? BigInt(context.source)
    : value;

async function replacementsOf(id: string, joined: string | undefined, spec: Spec): Promise<Replacements> {
  const own = await ask<Inspected>("GET", `/containers/${id}/json`);
  const other = joined ? await ask<Inspected>("GET", `/containers/${joined}/json`) : undefined;
  const volumes = own.Mounts.filter(({ Type }) => Type === "volume");
  if (spec.hostname === hostname()) spec.hostname = "HOST";
  return [
    [spec.root.path, "ROOTFS"],
    ...volumes.map(({ Source, Name = "" }): [string, string] => [
      Source,
      `VOLUME:${Name.length === 64 ? "anonymous" : Name}`,
    ]),
    ...[id, joined].map((each): [string, string] => [
      each ? `${dirname(own.HostnamePath).replace(id, each)}/mounts/shm` : "",
      "SHM",
    ]),
    [dirname(own.HostnamePath), "FILES"],
    [`/proc/${other?.State.Pid}/`, "/proc/JOINED/"],
    [id, "ID"],
    [id.slice(0, 12), "SHORT-ID"],
    [joined?.slice(0, 12) ?? "", "JOINED-SHORT-ID"],
    [`HOSTNAME=${hostname()}`, "HOSTNAME=HOST"],
  ];
}

async function lookUp(hostConfig: HostConfig): Promise<Recording["facts"]> {
  const numbers = await Promise.all(
    limitedDevices(hostConfig).map(async (path) => [path, await deviceNumber(path)] as const),
  );
  return {
    devices: await Promise.all((hostConfig.Devices ?? []).map(findDevices)),
    hostDevices: hostConfig.Privileged ? await hostDevices() : [],
    numbers: Object.fromEntries(numbers),
  };
}

/** Seccomp profiles are the same in most cases, and long: kept once each, under a name made of their content. */
function keepSeccomp(spec: Json): Json {
  const whole = spec as { linux: { seccomp?: Json } };
  if (!whole.linux.seccomp) return spec;
  const text = `${JSON.stringify(whole.linux.seccomp, null, 1)}\n`;
  const file = `seccomp-${new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 12)}.json`;
  writeFileSync(join(RECORDED, file), text);
  return { ...whole, linux: { ...whole.linux, seccomp: file } } as Json;
}

async function recordRefusal({ config, hostConfig }: Refusal): Promise<RecordedRefusal> {
  const messageOf = async (answer: Response) => ((await answer.json()) as { message: string }).message;
  const create = await call("POST", "/containers/create", {
    ...config,
    Image: image,
    HostConfig: hostConfig,
  });
  if (!create.ok)
    return { config, hostConfig, at: "create", status: create.status, message: await messageOf(create) };
  const { Id: id } = (await create.json()) as { Id: string };
  try {
    const start = await call("POST", `/containers/${id}/start`);
    if (start.ok) throw new Error(`not refused: ${JSON.stringify({ config, hostConfig })}`);
    const message = (await messageOf(start)).replaceAll(id, "ID");
    return { config, hostConfig, at: "start", status: start.status, message };
  } finally {
    await remove(id);
  }
}

mkdirSync(RECORDED, { recursive: true });
const version = await ask<{ Version: string; KernelVersion: string }>("GET", "/version");
const environment = detectEnvironment({
  dataRoot: "/var/lib/berth",
  execRoot: "/run/berth",
  bridge: "berth0",
});
const host: RecordedHost = {
  peer: `Docker ${version.Version}, Linux ${version.KernelVersion}`,
  environment,
  facts: hostFacts(environment),
};
writeFileSync(join(RECORDED, "host.json"), `${JSON.stringify(host, null, 1)}\n`);
await makeImage();
const wanted = process.argv.slice(2);
try {
  for (const each of wanted.length > 0 ? wanted : caseNames()) {
    try {
      const recording = await record(JSON.parse(readFileSync(join(CASES, `${each}.json`), "utf8")));
      const kept = { ...recording, spec: keepSeccomp(recording.spec) };
      writeFileSync(join(RECORDED, `${each}.json`), `${JSON.stringify(kept, null, 1)}\n`);
      console.log(`recorded ${each}`);
    } catch (error) {
      console.error(`${each}: ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
    }
  }
  if (wanted.length === 0) {
    const recorded: RecordedRefusal[] = [];
    for (const refusal of REFUSALS) recorded.push(await recordRefusal(refusal));
    writeFileSync(join(RECORDED, "refusals.json"), `${JSON.stringify(recorded, null, 1)}\n`);
  }
} finally {
  await ask("DELETE", `/images/${image}?force=true`);
}
