// ExecOp: a process over its mounts. Its outputs are what it left in those that it may write to.
import { BerthError, forbidden } from "../../base/errors.ts";
import {
  type ExecOp,
  type Mount,
  MountContentCache,
  NetMode,
  type Platform,
  SecurityMode,
} from "../../buildkit/messages/ops_pb.ts";
import { formatPlatform, runnablePlatforms } from "../../oci/platform.ts";
import type { Platform as OciPlatform } from "../../oci/types.ts";
import type { PathSelector } from "../../store/index.ts";
import type { SnapshotId } from "../../store/types.ts";
import { ExitError } from "../solver/errors.ts";
import type { Vertex } from "../solver/graph.ts";
import { operationDigest } from "../solver/keys.ts";
import type { RunContext, Step } from "../solver/operation.ts";
import type { StepEnd } from "../types.ts";
import type { OperationEnvironment } from "./environment.ts";
import { prepareMounts } from "./exec-mounts.ts";
import { readSecret } from "./secrets.ts";

/** Errors: forbidden, for what the client didn't allow. */
export function execStep(vertex: Vertex, op: ExecOp, environment: OperationEnvironment): Step {
  refuseEntitlements(op, environment.entitlements);
  return {
    kind: "step",
    operation: `exec ${operationDigest(vertex.op)}`,
    selectors: selectorsOf(op.mounts),
    run: (context) => run(vertex, op, environment, context),
  };
}

function refuseEntitlements(op: ExecOp, allowed: ReadonlySet<string>): void {
  const need = (name: string) => {
    if (!allowed.has(name)) throw forbidden(`failed to load LLB: ${name} is not allowed`);
  };
  if (op.network === NetMode.HOST) need("network.host");
  if (op.security === SecurityMode.INSECURE) need("security.insecure");
}

/**
 * What no later step sees changed counts by what is in it, else by its key. The root always counts by its key: it is too
 * large to be looked through (BuildKit, solver/llbsolver/ops/exec.go, getMountDeps).
 */
function selectorsOf(mounts: readonly Mount[]): Map<number, PathSelector[]> {
  const selectors = new Map<number, PathSelector[]>();
  const byKey = new Set<number>();
  for (const mount of mounts) {
    const input = Number(mount.input);
    if (input < 0) continue;
    const isWhole = mount.selector === "" || mount.selector === "/";
    const content =
      mount.contentCache === MountContentCache.ON ||
      (mount.contentCache === MountContentCache.DEFAULT &&
        mount.dest !== "/" &&
        (mount.output < 0n || mount.readonly || isWhole));
    if (!content) byKey.add(input);
    else
      selectors.set(input, [
        ...(selectors.get(input) ?? []),
        { path: mount.selector || "/", followLinks: true },
      ]);
  }
  for (const input of byKey) selectors.delete(input);
  return selectors;
}

async function run(
  vertex: Vertex,
  op: ExecOp,
  environment: OperationEnvironment,
  context: RunContext,
): Promise<(SnapshotId | null)[]> {
  const { meta } = op;
  if (!meta) throw new Error("an exec operation without a command");
  await using mounts = await prepareMounts(op.mounts, environment, context);
  const secrets = await Promise.all(
    op.secretenv.map(async ({ id, name, optional }) => {
      const value = await readSecret(environment, id, optional);
      return value === undefined ? [] : [`${name}=${Buffer.from(value).toString()}`];
    }),
  );
  const platform = platformOf(vertex.op.platform, environment);
  const failed = `process "${meta.args.join(" ")}" did not complete successfully`;
  const running = environment.host.steps.run({
    rootfs: mounts.rootfs,
    mounts: mounts.mounts,
    meta: { ...meta, env: [...meta.env, ...proxyVariables(meta.proxyEnv), ...secrets.flat()] },
    network: op.network,
    security: op.security,
    resources: environment.resources,
    platform,
    output: (stream, chunk) => context.progress.log(stream, chunk),
    signal: context.signal,
  });
  const end = await running.catch((thrown: unknown) => {
    if (context.signal.aborted || !(thrown instanceof BerthError)) throw thrown;
    throw new BerthError(thrown.kind, `${failed}: ${thrown.message}`, { cause: thrown });
  });
  const { code } = end;
  if (code !== 0 && !meta.validExitCodes.includes(code))
    throw new ExitError(code, `${failed}: exit code: ${code}${reasonOf(end, platform, environment)}`);
  return await mounts.outputs();
}

/** What is known besides the exit status. */
function reasonOf(
  { oomKilled, wrongFormat }: StepEnd,
  platform: OciPlatform,
  { host: { environment, steps } }: OperationEnvironment,
): string {
  if (oomKilled) return ": cannot allocate memory";
  const own = environment.platform;
  const runs = [...runnablePlatforms(own), ...steps.foreignPlatforms()];
  if (!wrongFormat || runs.some(({ architecture }) => architecture === platform.architecture)) return "";
  return `: exec format error: this host (${formatPlatform(own)}) has no emulator for programs of ${formatPlatform(platform)}: install one that every root has, as the package qemu-user-static does, or build for a platform that runs here`;
}

function proxyVariables(proxy: NonNullable<ExecOp["meta"]>["proxyEnv"]): string[] {
  if (!proxy) return [];
  const pairs: [string, string][] = [
    ["HTTP_PROXY", proxy.httpProxy],
    ["HTTPS_PROXY", proxy.httpsProxy],
    ["FTP_PROXY", proxy.ftpProxy],
    ["NO_PROXY", proxy.noProxy],
    ["ALL_PROXY", proxy.allProxy],
  ];
  return pairs.flatMap(([name, value]) =>
    value ? [`${name}=${value}`, `${name.toLowerCase()}=${value}`] : [],
  );
}

const platformOf = (platform: Platform | undefined, { host }: OperationEnvironment) =>
  platform
    ? {
        os: platform.os,
        architecture: platform.architecture,
        ...(platform.variant && { variant: platform.variant }),
      }
    : host.environment.platform;
