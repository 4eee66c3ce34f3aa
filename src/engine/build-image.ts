// The use case "build an image as clients without BuildKit's protocol ask for it" (POST /build): the builder's work under the client's
// own name for it, by which another request may cancel it.
import { conflict, invalid } from "../base/errors.ts";
import type { BuildMessage, ClassicRequest } from "../builder/index.ts";
import { offerUpload, takeUpload, UPLOAD_REQUEST, uploadFor } from "./build-upload.ts";
import { builderOf } from "./builder.ts";
import { hostGateways } from "./host-gateways.ts";
import type { Engine } from "./types.ts";

/** `host-gateway` is not yet an address. */
export type BuildImageRequest = ClassicRequest & {
  /** The client's name for the build; "": none. */
  buildId: string;
  /** BuildKit's messages instead of the steps. */
  traced: boolean;
};

/** Bytes of lines that a quiet build keeps for its failure; older ones go first. */
const KEPT_LINES = 8 << 20;

const running = new WeakMap<Engine, Map<string, AbortController>>();

/**
 * Builds, and tells of it until the end. Errors: what stood in the way before anything was told; after that a failure
 * is the last message.
 */
export async function buildImage(
  engine: Engine,
  request: BuildImageRequest,
  tell: (message: BuildMessage) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const uploadsFor = uploadFor(request.buildId);
  if (uploadsFor !== undefined) return await offerUpload(engine, uploadsFor, request, signal);
  using cancelled = named(engine, request.buildId);
  const either = AbortSignal.any([signal, cancelled.signal]);
  const upload =
    request.remote === UPLOAD_REQUEST ? await takeUpload(engine, request.buildId, either) : undefined;
  const extraHosts = request.extraHosts.flatMap((entry) => resolveHost(engine, entry));
  const builder = await builderOf(engine);
  const { runClassicBuild, runTracedBuild } = await import("../builder/index.ts");
  const run = request.traced ? runTracedBuild : runClassicBuild;
  const kept = new KeptLines();
  const says = request.quiet && !request.traced ? (message: BuildMessage) => kept.add(message) : tell;
  const done = await withCancellation(cancelled.signal, tell, () =>
    run(builder, { ...request, extraHosts, ...(upload && { ...upload, remote: "" }) }, says, either),
  );
  if (!request.quiet || request.traced) return;
  if (done) await tell({ stream: `${done.image}\n` });
  else for (const message of kept.lines()) await tell(message);
}

/** Ends a build by its client's name for it; none of that name is no error, as with Docker. */
export function cancelBuild(engine: Engine, id: string): void {
  running.get(engine)?.get(id)?.abort(new Error("build cancelled"));
}

function named(engine: Engine, id: string): Disposable & { signal: AbortSignal } {
  const builds = running.get(engine) ?? new Map<string, AbortController>();
  running.set(engine, builds);
  const controller = new AbortController();
  if (id !== "") {
    if (builds.has(id)) throw conflict(`a build with the id ${id} is running already`);
    builds.set(id, controller);
  }
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      if (builds.get(id) === controller) builds.delete(id);
    },
  };
}

/** Who cancels isn't who waits: the waiting client is told. */
async function withCancellation<T>(
  cancelled: AbortSignal,
  tell: (message: BuildMessage) => Promise<void>,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    if (!cancelled.aborted) throw thrown;
    const message = "Build cancelled";
    await tell({ errorDetail: { message }, error: message });
    return undefined;
  }
}

function resolveHost(engine: Engine, { host, ip }: { host: string; ip: string }) {
  if (ip !== "host-gateway") return [{ host, ip }];
  const addresses = hostGateways(engine);
  if (addresses.length === 0)
    throw invalid("unable to derive the IP value for host-gateway: the default bridge is off");
  return addresses.map((address) => ({ host, ip: address }));
}

class KeptLines {
  private readonly kept: BuildMessage[] = [];
  private bytes = 0;

  async add(message: BuildMessage): Promise<void> {
    this.kept.push(message);
    this.bytes += message.stream?.length ?? 0;
    while (this.bytes > KEPT_LINES) this.bytes -= this.kept.shift()?.stream?.length ?? 0;
  }

  lines(): readonly BuildMessage[] {
    return this.kept;
  }
}
