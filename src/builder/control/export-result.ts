// The end of a build: every part of its result made, and given to its exporters.
import { invalid } from "../../base/errors.ts";
import { parsePlatform } from "../../oci/platform.ts";
import type { Descriptor, ImageConfig } from "../../oci/types.ts";
import type { CacheExports } from "../cache/remote/options.ts";
import { type AttestationRequest, attestationsOf, type BuildFacts } from "../export/attestations/index.ts";
import type { ExportInput, ExportSteps } from "../export/exporter.ts";
import { type ExporterRequest, openExporter } from "../export/open-exporter.ts";
import type { VertexProgress } from "../solver/progress.ts";
import type { BuildHost, ExportedPlatform, ExporterResponse } from "../types.ts";
import { exportCaches, inlineCacheOf } from "./export-caches.ts";
import type { Job, JobResult } from "./job.ts";

/** Runs all of the build that the result needs. */
export async function finishResult(job: Job, result: JobResult): Promise<ExportedPlatform[]> {
  const platforms = await Promise.all(
    inOrder(result.refs, result.metadata).map(async ([id, ref]): Promise<ExportedPlatform> => {
      const made = await job.evaluate(ref);
      const bytes =
        result.metadata.get(id ? `containerimage.config/${id}` : "containerimage.config") ??
        result.metadata.get("containerimage.config");
      const config = bytes && (JSON.parse(Buffer.from(bytes).toString()) as ImageConfig);
      return {
        platform: platformOf(id, config, job.host),
        id,
        ref: made,
        config,
        configBytes: bytes,
      };
    }),
  );
  job.build.settle();
  return platforms;
}

function platformOf(id: string, config: ImageConfig | undefined, host: BuildHost) {
  if (config?.architecture)
    return {
      os: config.os,
      architecture: config.architecture,
      ...(config.variant && { variant: config.variant }),
    };
  return id ? parsePlatform(id) : host.environment.platform;
}

/** For provenance. */
export const factsOf = (job: Job): BuildFacts => ({
  frontend: job.frontend.name,
  options: job.frontend.options,
  images: new Map([...job.materials.images].map(([name, { root }]) => [name, root])),
  remotes: job.materials.remotes,
  platform: job.host.environment.platform,
  id: job.options.ref,
  startedAt: job.createdAt,
});

/** As the frontend names them: a client returns them in any order. */
function inOrder(refs: JobResult["refs"], metadata: JobResult["metadata"]) {
  const bytes = metadata.get("refs.platforms");
  if (!bytes || refs.has("")) return [...refs];
  const { Platforms = [] } = JSON.parse(Buffer.from(bytes).toString()) as { Platforms?: { ID: string }[] };
  const order = Platforms.map(({ ID }) => ID);
  return [...refs].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
}

/** Exporters one after the other; a later one's answer wins where two say the same. The caches last, side by side. */
export async function exportResult(
  job: Job,
  result: JobResult,
  asked: {
    exporters: readonly ExporterRequest[];
    attestations: AttestationRequest;
    caches: CacheExports;
  },
): Promise<ExporterResponse> {
  const exporters = asked.exporters.map((request) => openExporter(request, job.host));
  const finished = await finishResult(job, result);
  await noteResult(job, result, finished);
  const platforms = finished.map((platform) => ({
    ...platform,
    attestations: attestationsOf(asked.attestations, platform, {
      facts: factsOf(job),
      definition: result.refs.get(platform.id)?.definition,
      signal: job.signal,
    }),
  }));
  const response: ExporterResponse = {};
  for (const [number, exporter] of exporters.entries()) {
    if (platforms.length === 0) throw invalid("a build without a result can't be exported");
    const input: ExportInput = {
      platforms,
      metadata: result.metadata,
      number,
      session: () => job.session(),
      lease: job.options.lease,
      signal: job.signal,
      ...(asked.caches.inline && { inlineCache: (id) => inlineCacheOf(job, result, id) }),
    };
    const said = await job.shown(exporter.title, (progress) => exporter.export(input, partsOf(progress)));
    Object.assign(response, said);
    noteImage(job, asked.exporters[number]?.type, number, said);
  }
  const caches = await exportCaches(job, result, asked.caches.others, partsOf);
  return Object.assign(response, ...caches);
}

async function noteResult({ outcome }: Job, result: JobResult, platforms: ExportedPlatform[]): Promise<void> {
  outcome.result = result;
  for (const { id, ref } of platforms) {
    const snapshot = await ref?.snapshot();
    if (snapshot !== undefined) outcome.parts.push({ id, snapshot });
  }
}

/** Archives are the client's alone. */
function noteImage({ outcome }: Job, type: string | undefined, number: number, said: ExporterResponse): void {
  const descriptor = said["containerimage.descriptor"];
  if ((type === "image" || type === "moby") && descriptor)
    outcome.images.set(number, JSON.parse(Buffer.from(descriptor, "base64").toString()) as Descriptor);
}

const partsOf = (progress: VertexProgress): ExportSteps => ({
  async step(name, work) {
    const part = progress.part(name);
    part({});
    const done = await work(part);
    part({ done: true });
    return done;
  },
});
