// A build from its request to its result: a session with what the daemon may ask for, the request, and what the
// daemon tells of it, side by side.
import { statSync } from "node:fs";
import type { Connection } from "../connection.ts";
import { SdkError } from "../errors.ts";
import { layoutStores, prepareCaches, recordLayouts } from "./caches.ts";
import { abilitiesOf, type BuilderConnection, openBuilder } from "./daemon.ts";
import { driveBuild, type Linking } from "./driven.ts";
import { buildError } from "./error.ts";
import { callFrontend } from "./frontend-call.ts";
import { type BuildInputs, loadInputs } from "./inputs.ts";
import { type BuildPlan, planBuild } from "./plan.ts";
import { authService } from "./session/auth.ts";
import { contentService } from "./session/content.ts";
import { foldersService } from "./session/folders.ts";
import { resultsService } from "./session/results.ts";
import { secretsService } from "./session/secrets.ts";
import { newId, openSession, type SessionService } from "./session/session.ts";
import { type AgentSource, socketAgent, sshService } from "./session/ssh-agent.ts";
import { uploadsService } from "./session/uploads.ts";
import { follow } from "./status.ts";
import type { BuildResult, BuildSpec } from "./types.ts";

/** Milliseconds that the last events may take after the result. */
const STATUS_PATIENCE = 5000;

/** Builds. Throws a BuildError with the daemon's words, an SdkError for what can't be asked, `signal`'s reason when it aborts. */
export async function solve(
  connection: Connection,
  spec: BuildSpec,
  linking?: Linking,
  solved?: () => void,
): Promise<BuildResult> {
  spec.signal?.throwIfAborted();
  await using builder = await openBuilder(connection);
  const { record } = await builder.control.listWorkers({});
  await using inputs = await loadInputs(await withDockerfile(connection, builder, spec));
  const plan = planBuild(spec, inputs, abilitiesOf(record));
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
  builder: BuilderConnection,
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

/** Private keys in the place of an agent are refused: this host's ssh-agent holds them better. */
function agents(ids: Record<string, string[]>): Record<string, AgentSource> {
  return Object.fromEntries(
    Object.entries(ids).map(([id, paths]) => {
      const refuse = (why: string) =>
        new SdkError("protocol", `failed to convert agent config for ID: "${id}": ${why}`);
      const [path = process.env.SSH_AUTH_SOCK, second] = paths.filter(Boolean);
      if (!path) throw refuse("invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set");
      const found = statSync(path, { throwIfNoEntry: false });
      if (!found) throw refuse(`stat ${path}: no such file or directory`);
      if (second || !found.isSocket())
        throw refuse(
          `${second ?? path} is no agent's socket: add the key to an agent (ssh-add) and name that`,
        );
      return [id, socketAgent(path)];
    }),
  );
}

async function run(
  { control, bridge }: BuilderConnection,
  session: string,
  spec: BuildSpec,
  plan: BuildPlan,
  caches: Awaited<ReturnType<typeof prepareCaches>>,
  linking: Linking | undefined,
): Promise<BuildResult> {
  const ref = spec.ref ?? newId();
  const attributes = { ...plan.attributes, ...caches.attributes };
  const exporters = plan.outputs.map(({ type, attributes: attrs }) => ({ type, attrs }));
  const done = new AbortController();
  const status = follow(control, ref, done.signal, spec.onEvent);
  const { signal } = spec;
  try {
    const solving = control.solve(
      {
        ref,
        session,
        frontend: spec.call || linking ? "" : plan.frontend,
        frontendAttrs: attributes,
        exporters,
        exporterDeprecated: exporters[0]?.type ?? "",
        exporterAttrsDeprecated: exporters[0]?.attrs ?? {},
        cache: { exports: caches.exports, imports: caches.imports },
        entitlements: plan.entitlements,
        internal: Boolean(spec.call),
      },
      { signal },
    );
    const calling = spec.call
      ? callFrontend(bridge, { ref, frontend: plan.frontend, attributes, call: spec.call, signal })
      : undefined;
    const driving = linking && driveBuild(bridge, { ref, plan, attributes, linking, signal });
    const [{ exporterResponse }, metadata] = await Promise.all([solving, calling, driving]);
    return { ref, response: { ...exporterResponse, ...metadata } };
  } catch (thrown) {
    if (signal?.aborted) throw signal.reason;
    throw buildError(thrown, "failed to solve");
  } finally {
    const late = setTimeout(() => done.abort(), STATUS_PATIENCE);
    await status;
    clearTimeout(late);
  }
}
