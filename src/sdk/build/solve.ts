// A build from its request to its result: a session with what the daemon may ask for, the request, and what the
// daemon tells of it, side by side.
import { statSync } from "node:fs";
import type { Connection } from "../connection.ts";
import { SdkError } from "../errors.ts";
import { abilitiesOf } from "./abilities.ts";
import { type BuildCalls, openBuildCalls } from "./build-calls.ts";
import { layoutStores, prepareCaches, recordLayouts } from "./caches.ts";
import type { FrontendCall } from "./frontend-call.ts";
import { type BuildInputs, loadInputs } from "./inputs.ts";
import type { DriveRequest, Linking } from "./linked-build.ts";
import { type BuildPlan, planBuild } from "./plan.ts";
import { foldersService } from "./session/folders.ts";
import { resultsService } from "./session/results.ts";
import {
  type AgentPlace,
  authService,
  contentService,
  secretsService,
  sshService,
  uploadsService,
} from "./session/services.ts";
import { newId, openSession, type SessionService } from "./session/session.ts";
import { follow } from "./status.ts";
import type { BuildResult, BuildSpec } from "./types.ts";

/** Builds. Throws a BuildError with the daemon's words, an SdkError for what can't be asked, `signal`'s reason when it aborts. */
export async function solve(
  connection: Connection,
  spec: BuildSpec,
  linking?: Linking,
  solved?: () => void,
): Promise<BuildResult> {
  spec.signal?.throwIfAborted();
  await using builder = await openBuildCalls(connection);
  const workers = await builder.workers();
  await using inputs = await loadInputs(await withDockerfile(connection, builder, spec));
  const plan = planBuild(spec, inputs, abilitiesOf(workers));
  const caches = await prepareCaches(plan);
  const stores = { ...caches.stores, ...layoutStores(plan.outputs), ...prefixed("oci:", inputs.layouts) };
  await using session = await openSession(connection, services(spec, plan, inputs, stores), {
    sharedKey: spec.sharedKey ?? inputs.sharedKey,
    signal: spec.signal,
  });
  const result = await run(builder, session.id, spec, plan, caches, linking);
  solved?.();
  await linking?.until;
  await recordLayouts(result.response, plan.outputs, caches.written);
  if (plan.pushAfter.length > 0) {
    const { pushImages } = await import("./push-after.ts");
    await pushImages(connection, plan.pushAfter, spec.credentials);
  }
  return result;
}

/** A Dockerfile at an address is fetched first: for the build it is a text. */
async function withDockerfile(
  connection: Connection,
  builder: BuildCalls,
  spec: BuildSpec,
): Promise<BuildSpec> {
  if (spec.dockerfile?.kind !== "address") return spec;
  const { fetchDockerfile } = await import("./remote-dockerfile.ts");
  const text = await fetchDockerfile(connection, builder, spec.dockerfile.address, spec);
  return { ...spec, dockerfile: { kind: "text", text } };
}

const prefixed = (prefix: string, map: Record<string, string>) =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [prefix + key, value]));

function services(
  spec: BuildSpec,
  plan: BuildPlan,
  inputs: BuildInputs,
  stores: Record<string, string>,
): SessionService[] {
  const all = [
    foldersService(inputs.folders),
    authService(spec.credentials ?? (async () => undefined)),
    secretsService(spec.secrets ?? {}),
    sshService(agents(spec.ssh ?? {})),
  ];
  if (Object.keys(inputs.archives).length > 0) all.push(uploadsService(inputs.archives));
  if (Object.keys(stores).length > 0) all.push(contentService(stores));
  if (plan.outputs.some(({ file, folder }) => file || folder)) all.push(resultsService(plan.outputs));
  return all;
}

/** An agent's socket for each id, or files with private keys. Errors: an SdkError in BuildKit's words. */
function agents(ids: Record<string, string[]>): Record<string, AgentPlace> {
  return Object.fromEntries(
    Object.entries(ids).map(([id, paths]) => {
      const refuse = (why: string) =>
        new SdkError("protocol", `failed to convert agent config for ID: "${id}": ${why}`);
      const given = paths.filter(Boolean);
      if (given.length === 0 && process.env.SSH_AUTH_SOCK) given.push(process.env.SSH_AUTH_SOCK);
      const [first] = given;
      if (first === undefined) throw refuse("invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set");
      const sockets = given.filter((path) => {
        const found = statSync(path, { throwIfNoEntry: false });
        if (!found) throw refuse(`stat ${path}: no such file or directory`);
        return found.isSocket();
      });
      if (sockets.length > 1) throw refuse("only single socket allowed");
      if (sockets.length === 1 && given.length > 1) throw refuse("invalid combination of keys and sockets");
      if (sockets.length === 1) return [id, { socket: first }];
      try {
        const { readPrivateKey } =
          require("./session/key-agent.ts") as typeof import("./session/key-agent.ts");
        return [id, { keys: given.map(readPrivateKey) }];
      } catch (thrown) {
        throw refuse(thrown instanceof Error ? thrown.message : String(thrown));
      }
    }),
  );
}

async function run(
  builder: BuildCalls,
  session: string,
  spec: BuildSpec,
  plan: BuildPlan,
  caches: Awaited<ReturnType<typeof prepareCaches>>,
  linking: Linking | undefined,
): Promise<BuildResult> {
  const ref = spec.ref ?? newId();
  const attributes = { ...plan.attributes, ...caches.attributes };
  const exporters = plan.outputs.map(({ type, attributes: attrs }) => ({ type, attrs }));
  const status = follow(builder, ref, spec.onEvent);
  const { signal } = spec;
  try {
    const solving = builder.solve(
      {
        ref,
        session,
        frontend: spec.call || linking ? "" : plan.frontend,
        frontendAttrs: attributes,
        exporters,
        cacheExports: caches.exports,
        cacheImports: caches.imports,
        entitlements: plan.entitlements,
        internal: Boolean(spec.call),
      },
      { signal },
    );
    const calling = spec.call
      ? asked(builder, { ref, frontend: plan.frontend, attributes, call: spec.call, signal })
      : undefined;
    const driving = linking && driven(builder, { ref, plan, attributes, linking, signal });
    const [response, metadata] = await Promise.all([solving, calling, driving]);
    return { ref, response: { ...response, ...metadata } };
  } catch (thrown) {
    if (signal?.aborted) throw signal.reason;
    const { buildError } = await import("./error.ts");
    throw buildError(thrown, "failed to solve");
  } finally {
    await status.settle(signal?.aborted === true);
  }
}

async function asked(builder: BuildCalls, call: FrontendCall): Promise<Record<string, string>> {
  const { callFrontend } = await import("./frontend-call.ts");
  return callFrontend((await builder.services()).bridge, call);
}

async function driven(builder: BuildCalls, request: DriveRequest): Promise<void> {
  const { driveBuild } = await import("./linked-build.ts");
  await driveBuild((await builder.services()).bridge, request);
}
