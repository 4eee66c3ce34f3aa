// BuildKit through POST /build (`version=2`): the same build, told by BuildKit's own messages (moby, builder/builder-next; the
// client's side is docker/cli's of 18.09 to 20.10, and SDKs that ask for it).
import { randomUUID } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { messageOf } from "../../base/errors.ts";
import { StatusResponseSchema } from "../../buildkit/messages/control_pb.ts";
import type { Builder } from "../control/builder.ts";
import { statusMessages } from "../control/status-messages.ts";
import type { Progress } from "../solver/progress.ts";
import { CLIENT_FOLDER, FRONTEND, openContext, uploaded } from "./build.ts";
import { cacheExportsOf, frontendOptions } from "./frontend-options.ts";
import type { ClassicRequest, Tell } from "./types.ts";

/** Errors: what stood in the way before the build began; a later failure is told, and answered as undefined. */
export async function runTracedBuild(
  builder: Builder,
  request: ClassicRequest,
  tell: Tell,
  signal: AbortSignal,
): Promise<{ image: string } | undefined> {
  await using stack = new AsyncDisposableStack();
  const local = request.remote === CLIENT_FOLDER;
  const upload = local ? undefined : await openContext(builder, request, signal);
  if (upload) stack.use(upload);
  const filename = request.dockerfile || "Dockerfile";
  const gone = new AbortController();
  let told: Promise<void> | undefined;
  const name = request.tags.join(",");
  try {
    const response = await builder.run({
      ref: randomUUID(),
      record: { frontend: FRONTEND, attributes: frontendOptions(request, filename) },
      session: request.session,
      exporters:
        request.outputs.length > 0
          ? request.outputs.map(({ type, attributes }) => ({
              type,
              attributes: type === "image" || type === "moby" ? { name, ...attributes } : attributes,
            }))
          : [{ type: "image", attributes: { name } }],
      attestations: {},
      cacheExports: cacheExportsOf(request),
      resources: request.resources,
      entitlements: request.network === "host" ? ["network.host"] : [],
      ...(request.session === "" && { credentials: request.credentials }),
      signal: AbortSignal.any([signal, gone.signal]),
      async run(job) {
        told = trace(job.progress, tell, signal);
        told.catch((thrown) => gone.abort(thrown));
        if (!upload) {
          const options = frontendOptions(request, filename);
          return job.runFrontend(FRONTEND, local ? options : { ...options, context: request.remote }, {});
        }
        const context = uploaded(job, upload);
        const inputs = { context: context.files, dockerfile: context.dockerfile };
        return job.runFrontend(FRONTEND, frontendOptions(request, context.filename), inputs);
      },
    });
    await told;
    const image = response["containerimage.digest"] ?? "";
    if (image) await tell({ id: "moby.image.id", aux: { ID: image } });
    return { image };
  } catch (thrown) {
    if (!told) throw thrown;
    await told;
    signal.throwIfAborted();
    await tell({ errorDetail: { message: messageOf(thrown) }, error: messageOf(thrown) });
    return undefined;
  }
}

async function trace(progress: Progress, tell: Tell, signal: AbortSignal): Promise<void> {
  for await (const events of progress.follow(signal))
    for (const message of statusMessages(events)) {
      const bytes = toBinary(StatusResponseSchema, create(StatusResponseSchema, message));
      await tell({ id: "moby.buildkit.trace", aux: Buffer.from(bytes).toString("base64") });
    }
}
