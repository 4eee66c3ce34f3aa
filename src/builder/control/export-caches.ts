// The end of a build for its caches: what the build knows of its steps is written where `--cache-to` says.
import { exportCache, inlineCache, titleOf } from "../cache/remote/export.ts";
import { type PortableStep, portableSteps } from "../cache/remote/known-steps.ts";
import type { CacheExport } from "../cache/remote/options.ts";
import type { ExportSteps } from "../export/exporter.ts";
import type { VertexProgress } from "../solver/progress.ts";
import type { ExporterResponse } from "../types.ts";
import type { Job, JobResult, ResultRef } from "./job.ts";

/** Side by side. Errors: of those whose failure isn't to be ignored. */
export async function exportCaches(
  job: Job,
  result: JobResult,
  wanted: readonly CacheExport[],
  partsOf: (progress: VertexProgress) => ExportSteps,
): Promise<ExporterResponse[]> {
  if (wanted.length === 0) return [];
  const settled = await Promise.allSettled(
    wanted.map(async (asked) => {
      try {
        return await job.shown(titleOf(asked), (progress) => write(job, result, asked, partsOf(progress)));
      } catch (thrown) {
        job.options.signal.throwIfAborted();
        if (!asked.ignoreError) throw thrown;
        return {}; // The vertex tells of it
      }
    }),
  );
  return settled.map((each) => {
    if (each.status === "rejected") throw each.reason;
    return each.value;
  });
}

async function write(
  job: Job,
  result: JobResult,
  asked: CacheExport,
  steps: ExportSteps,
): Promise<ExporterResponse> {
  const parts = await Promise.all(
    [...result.refs.values()].map(async (ref) => ({
      steps: await stepsOf(job, ref, asked.mode === "max"),
      result: await (await job.open(ref))?.snapshot(),
    })),
  );
  const { signal, options } = job;
  return await exportCache(
    asked,
    { parts, store: job.host.store, places: job.places(), lease: options.lease, signal },
    steps,
  );
}

async function stepsOf(job: Job, ref: ResultRef | undefined, bring: boolean): Promise<PortableStep[]> {
  if (!ref?.edge) return [];
  const { platform } = job.host.environment;
  return await portableSteps(await job.build.knownSteps(ref.edge), { bring, platform });
}

/** For a platform's own config; undefined where no layer of it is a step's. */
export async function inlineCacheOf(
  job: Job,
  result: JobResult,
  platform: string,
): Promise<Uint8Array | undefined> {
  const ref = result.refs.get(platform) ?? result.refs.get("");
  const steps = await stepsOf(job, ref, false);
  return inlineCache(job.host.store, steps, await (await job.open(ref))?.snapshot());
}
