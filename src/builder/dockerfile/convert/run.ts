// RUN as a step: its mounts, secrets, network and limits (dockerfile2llb/convert_run*.go, convert_secrets.go, convert_ssh.go).
import { posix } from "node:path";
import {
  file,
  mkdir,
  mkfile,
  type RunMount,
  run,
  type SecretMount,
  scratch,
  type Tree,
} from "../../../buildkit/llb/index.ts";
import { cleanPath } from "../../../buildkit/patterns/index.ts";
import type { Mount, RunInstruction } from "../instructions/index.ts";
import {
  instructionName,
  internalName,
  mountTarget,
  proxiesOf,
  type RunCommand,
  runConfig,
  type Step,
  type StepResult,
} from "../plan/index.ts";
import { type Conversion, locationsOf, nameOf, nextNumber, rooted, type StageBuild } from "./stage-build.ts";

type SecretVariable = { readonly id: string; readonly name: string; readonly optional: boolean };

/** The stage after a RUN; `before` is what it was, `result` what the instruction is with its variables expanded. */
export function convertRun(
  before: StageBuild,
  step: Step,
  instruction: RunInstruction,
  { state, command, mounts = [] }: StepResult,
  build: Conversion,
): StageBuild {
  const stage = nextNumber(before);
  const { options, plan } = build;
  const text = instructionName(instruction, before.state.variables, plan.escape, mounts);
  const { proxies, network } = { proxies: proxiesOf(options.buildArgs), network: instruction.network };
  // A command may look at any file.
  before.paths.add("/");
  const { User = "", WorkingDir } = runConfig(before.state);
  const { root } = run(before.tree, {
    args: command?.args ?? [],
    env: before.state.variables,
    cwd: WorkingDir || "/",
    user: User,
    hostname: options.hostname,
    network: network === "default" ? options.network : network,
    security: instruction.security,
    mounts: [
      ...scriptMounts(command),
      ...mountsOf(before, step, mounts, build),
      ...sharedMemory(options.shmSize),
    ],
    secretEnv: secretVariables(mounts),
    extraHosts: options.extraHosts,
    ulimits: options.ulimits,
    cgroupParent: options.cgroupParent,
    ...(proxies && { proxy: proxies }),
    name: nameOf(stage, step, text, build),
    description: { "com.docker.dockerfile.v1.command": instruction.source },
    ignoreCache: before.noCache,
    platform: before.platform,
    locations: locationsOf(build, instruction.lines),
  });
  return { ...stage, tree: root, state };
}

/** A file whose content stands in the Dockerfile. */
export const inlineDocument = (name: string, content: string, mode: number): Tree =>
  file(scratch(), mkfile(posix.join("/", name), content, { mode }), {
    name: internalName("preparing inline document"),
  });

function scriptMounts(command: RunCommand | undefined): RunMount[] {
  if (!command?.script) return [];
  const { folder, name, content } = command.script;
  return [{ target: folder, from: inlineDocument(name, content, 0o755), source: "/", readOnly: true }];
}

const sharedMemory = (size: number): RunMount[] =>
  size > 0 ? [{ type: "tmpfs", target: "/dev/shm", size }] : [];

function mountsOf(stage: StageBuild, step: Step, mounts: readonly Mount[], build: Conversion): RunMount[] {
  return mounts.flatMap((mount, index): RunMount[] => {
    if (mount.type === "secret") return secretFile(mount) ?? [];
    if (mount.type === "ssh") return [sshMount(mount)];
    const target = mountTarget(runConfig(stage.state).WorkingDir ?? "", mount.target);
    if (mount.type === "tmpfs") return [{ type: "tmpfs", target, size: mount.size }];
    const from = mountedTree(mount, step, index, build);
    const { readOnly } = mount;
    if (mount.type === "bind") return [{ target, ...from, readOnly, discard: true }];
    const id = `${build.options.cacheNamespace}/${mount.id || cleanPath(mount.target)}`;
    return [{ type: "cache", target, id, sharing: mount.sharing ?? "shared", ...from, readOnly }];
  });
}

/** Where a bind or cache mount's files come from: without `from` the build context, for a cache nothing. */
function mountedTree(
  mount: Mount,
  step: Step,
  index: number,
  build: Conversion,
): { from: Tree; source?: string } {
  const source = rooted(mount.source);
  let tree = scratch();
  if (mount.from !== "") {
    const used = build.originOf(step.sources[index]!);
    used.paths.add(source);
    ({ tree } = used);
  } else if (mount.type === "bind") {
    build.contextPaths.add(source);
    tree = build.buildContext;
  }
  if (source !== "/") return { from: tree, source };
  const { uid, gid, mode } = mount;
  if (uid === undefined && gid === undefined && mode === undefined) return { from: tree };
  const owner = { uid: uid ?? 0, gid: gid ?? 0 };
  const folder = file(tree, mkdir("/cache", { mode: mode ?? 0o755, owner }), {
    name: internalName("setting cache mount permissions"),
  });
  return { from: folder, source: "/cache" };
}

const secretId = (mount: Mount): string => mount.source || mount.id || posix.basename(mount.target);

const fileOptions = ({ uid, gid, mode, required }: Mount) => ({
  ...(uid !== undefined && { uid }),
  ...(gid !== undefined && { gid }),
  ...(mode !== undefined && { mode }),
  optional: !required,
});

/** As a file, unless it is a variable and no target is said. */
function secretFile(mount: Mount): [SecretMount] | undefined {
  if (mount.env !== undefined && mount.target === "") return undefined;
  const id = secretId(mount);
  const target = mount.target || `/run/secrets/${posix.basename(id)}`;
  return [{ type: "secret", id, target, ...fileOptions(mount) }];
}

const secretVariables = (mounts: readonly Mount[]): SecretVariable[] =>
  mounts
    .filter(({ type, env }) => type === "secret" && env !== undefined)
    .map((mount) => ({ id: secretId(mount), name: mount.env || secretId(mount), optional: !mount.required }));

const sshMount = (mount: Mount): RunMount => ({
  type: "ssh",
  id: mount.id,
  ...(mount.target && { target: mount.target }),
  ...fileOptions(mount),
});
