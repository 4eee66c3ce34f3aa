// A build as POST /build asks for it: the context comes with the request, the Dockerfile's steps are told in their order.
import { randomUUID } from "node:crypto";
import { invalid, isKind, messageOf, systemError } from "../../base/errors.ts";
import { marshal, source } from "../../buildkit/llb/index.ts";
import type { Definition } from "../../buildkit/messages/ops_pb.ts";
import { parsePlatform } from "../../oci/platform.ts";
import { familiar, parseReference } from "../../oci/reference.ts";
import type { Builder } from "../control/builder.ts";
import { frontendBridge } from "../control/frontend-bridge.ts";
import type { Job, JobResult } from "../control/job.ts";
import { gitContext } from "../dockerfile/convert/context.ts";
import { verticesOf } from "../solver/graph.ts";
import { UPLOAD_SCHEME } from "../sources/upload.ts";
import { receiveArchive, receiveRemote, type UploadedContext } from "./context.ts";
import { failureOf, placeOf } from "./failures.ts";
import { cacheExportsOf, frontendOptions } from "./frontend-options.ts";
import { Narrator } from "./narrator.ts";
import { type ClassicPlan, planSteps } from "./steps.ts";
import type { ClassicRequest, Tell } from "./types.ts";

export const FRONTEND = "dockerfile.v0";
/** The client's folder, over its session, in place of the body. */
export const CLIENT_FOLDER = "client-session";

/**
 * Builds, and tells of it. Errors: what stood in the way before the first step was told; a later failure is told, and
 * answered as false.
 */
export async function runClassicBuild(
  builder: Builder,
  request: ClassicRequest,
  tell: Tell,
  signal: AbortSignal,
): Promise<{ image: string } | undefined> {
  await using stack = new AsyncDisposableStack();
  const upload = await openContext(builder, request, signal);
  if (upload) stack.use(upload);
  let narrator: Narrator | undefined;
  let plan: ClassicPlan | undefined;
  let told: Promise<void> | undefined;
  const gone = new AbortController();
  try {
    const response = await builder.run({
      ref: randomUUID(),
      session: request.session,
      exporters: [{ type: "image", attributes: { name: request.tags.join(",") } }],
      attestations: {},
      cacheExports: cacheExportsOf(request),
      resources: request.resources,
      entitlements: request.network === "host" ? ["network.host"] : [],
      credentials: request.credentials,
      signal: AbortSignal.any([signal, gone.signal]),
      async run(job) {
        const context = upload ? uploaded(job, upload) : await fetched(job, request);
        plan = planSteps(context.text, { ...platformsOf(job, request), ...request, ...context });
        const narrating = new Narrator(plan.steps, request, tell);
        narrator = narrating;
        told = narrating.follow(job.progress, signal);
        told.catch((thrown) => gone.abort(thrown));
        const inputs = { context: context.files, dockerfile: context.dockerfile };
        const result = await job.runFrontend(FRONTEND, frontendOptions(request, context.filename), inputs);
        narrating.setGraph(verticesIn(result));
        return result;
      },
    });
    await told;
    const image = response["containerimage.digest"] ?? "";
    await narrator?.finish(image);
    await tellResult(image, request, plan, tell);
    return { image };
  } catch (thrown) {
    if (!narrator) throw thrown;
    await told;
    signal.throwIfAborted();
    const { vertex, line } = placeOf(thrown);
    const { message, code } = failureOf(thrown, await narrator.fail(vertex, line));
    await tell({ errorDetail: { ...(code !== undefined && { code }), message }, error: message });
    return undefined;
  }
}

async function tellResult(
  image: string,
  { tags }: ClassicRequest,
  plan: ClassicPlan | undefined,
  tell: Tell,
): Promise<void> {
  await tell({ aux: { ID: image } });
  if (plan && plan.unused.length > 0)
    await tell({
      stream: `[Warning] One or more build-args [${plan.unused.join(" ")}] were not consumed\n`,
    });
  await tell({ stream: `Successfully built ${image.slice("sha256:".length).slice(0, 12)}\n` });
  for (const tag of tags) await tell({ stream: `Successfully tagged ${familiar(parseReference(tag))}\n` });
}

/** Where the files are, as the frontend takes them. */
interface Context {
  files: Definition;
  dockerfile: Definition;
  filename: string;
  text: Uint8Array;
}

/** The context that comes as an archive; undefined: it is a repository. Errors: as dockerd's. */
export async function openContext(
  { host }: Builder,
  { remote, dockerfile, body, size }: ClassicRequest,
  signal: AbortSignal,
): Promise<UploadedContext | undefined> {
  if (remote === "") {
    const archive = { chunks: body, ...(size !== undefined && { size }) };
    return await receiveArchive(host.store, archive, dockerfile, signal);
  }
  if (gitContext(remote)) return undefined;
  if (remote === CLIENT_FOLDER)
    throw invalid(
      "experimental session with v1 builder is no longer supported, use builder version v2 (BuildKit) instead",
    );
  if (/^https?:\/\//.test(remote)) return await receiveRemote(host.store, remote, dockerfile, signal);
  throw systemError(`remoteURL (${remote}) could not be recognized as URL`);
}

const uploadTree = (id: string, name: string): Definition =>
  marshal(source(`${UPLOAD_SCHEME}://${id}`, {}, { name }));

/** Lets a build name the folders of its context. */
export function uploaded(job: Job, { files, dockerfile, text }: UploadedContext): Context {
  // The same names in every build: what is written in a graph names its steps.
  job.uploads.set("context", files);
  job.uploads.set("dockerfile", { path: dockerfile.path, ready: async () => {}, known: undefined });
  return {
    files: uploadTree("context", "[internal] load build context"),
    dockerfile: uploadTree("dockerfile", "[internal] load build definition"),
    filename: dockerfile.name,
    text,
  };
}

async function fetched(job: Job, { remote, dockerfile }: ClassicRequest): Promise<Context> {
  const repository = gitContext(remote);
  if (!repository) throw systemError(`remoteURL (${remote}) could not be recognized as URL`);
  const files = marshal(repository);
  const filename = dockerfile || "Dockerfile";
  const tree = await frontendBridge(job).solve(files);
  try {
    return { files, dockerfile: files, filename, text: await tree.readFile(filename) };
  } catch (thrown) {
    if (!isKind(thrown, "not-found")) throw thrown;
    throw systemError(`Cannot locate specified Dockerfile: ${filename}`, messageOf(thrown));
  }
}

function platformsOf({ host }: Job, { platform }: ClassicRequest) {
  const own = host.environment.platform;
  return { buildPlatform: own, targetPlatform: platform === "" ? own : parsePlatform(platform) };
}

function verticesIn({ refs }: JobResult) {
  const found = new Map(
    [...refs.values()].flatMap((ref) =>
      ref?.edge ? verticesOf(ref.edge).map((vertex) => [vertex.digest, vertex] as const) : [],
    ),
  );
  return [...found.values()];
}
