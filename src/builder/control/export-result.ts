// The end of a build: every part of its result made, and given to its exporters.
import { invalid, notImplemented } from "../../base/errors.ts";
import { parsePlatform } from "../../oci/platform.ts";
import type { ImageConfig } from "../../oci/types.ts";
import type { Exporter, ExportInput } from "../export/exporter.ts";
import { imageExporter } from "../export/image.ts";
import type { BuildHost, ExportedPlatform, ExporterResponse } from "../types.ts";
import type { Job, JobResult } from "./job.ts";

export interface ExporterRequest {
  type: string;
  attributes: Readonly<Record<string, string>>;
}

/** Errors: invalid for options, not-implemented for a type that isn't built. */
export function openExporter({ type, attributes }: ExporterRequest, host: BuildHost): Exporter {
  switch (type) {
    case "image":
    case "moby":
      return imageExporter(attributes, host);
    default:
      throw notImplemented(`the exporter "${type}" is not implemented in Berth`);
  }
}

/** Runs all of the build that the result needs. */
export async function finishResult(job: Job, result: JobResult): Promise<ExportedPlatform[]> {
  const platforms = await Promise.all(
    [...result.refs].map(async ([id, ref]): Promise<ExportedPlatform> => {
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

/** One after the other; a later one's answer wins where two say the same. */
export async function exportResult(
  job: Job,
  result: JobResult,
  requests: readonly ExporterRequest[],
): Promise<ExporterResponse> {
  const exporters = requests.map((request) => openExporter(request, job.host));
  const platforms = await finishResult(job, result);
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
    };
    const said = await job.shown(exporter.title, (progress) =>
      exporter.export(input, {
        async step(name, work) {
          const part = progress.part(name);
          part({});
          const done = await work();
          part({ done: true });
          return done;
        },
      }),
    );
    Object.assign(response, said);
  }
  return response;
}
