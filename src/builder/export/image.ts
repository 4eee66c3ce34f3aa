// The exporter `image` (Docker's `moby` too): the result as an image of this engine, named, and sent to its registry if asked.
import { invalid } from "../../base/errors.ts";
import { parseReference } from "../../oci/reference.ts";
import { credentialsOf } from "../session/credentials.ts";
import type { BuildHost, ExporterResponse } from "../types.ts";
import type { Exporter, ExportInput, ExportSteps } from "./exporter.ts";
import { type ImageOptions, readImageOptions } from "./image-options.ts";
import { storeResult } from "./image-writer.ts";
import { imageResponse } from "./response.ts";

/** What Docker names an image that nobody named, as long as that is told of. */
const DANGLING = "moby-dangling";

/** Errors: invalid, for options that are not known or are no names. */
export function imageExporter(attributes: Readonly<Record<string, string>>, host: BuildHost): Exporter {
  const options = readImageOptions(attributes);
  return {
    title: "exporting to image",
    export: (input, steps) => exportImage(host, options, input, steps),
  };
}

async function exportImage(
  host: BuildHost,
  options: ImageOptions,
  input: ExportInput,
  steps: ExportSteps,
): Promise<ExporterResponse> {
  const image = await storeResult(host.store, input, steps, options);
  const { target } = image;
  const dangling = `${DANGLING}@${target.digest}`;
  const names = options.names.length > 0 ? options.names : [dangling];
  if (options.store)
    for (const name of names) {
      await steps.step(`naming to ${name}`, async () =>
        host.images.record(name === dangling ? undefined : name, target),
      );
      if (options.nameCanonical && name !== dangling)
        host.images.record(`${name.replace(/:[^:/]+$/, "")}@${target.digest}`, target);
      // It is unpacked already: its layers are the snapshots that the build made.
      if (options.unpack) await steps.step(`unpacking to ${name}`, async () => {});
    }
  if (options.push) await push(host, options, input, steps);
  return imageResponse(image, names.join(","));
}

async function push(
  host: BuildHost,
  { names, insecure, pushByDigest, store }: ImageOptions,
  input: ExportInput,
  steps: ExportSteps,
): Promise<void> {
  if (names.length === 0) throw invalid("tag is needed when pushing to registry");
  if (pushByDigest || !store)
    throw invalid("push-by-digest and store=false are not implemented in Berth: push by name");
  for (const name of names) {
    const auth = await credentialsOf(input, parseReference(name).domain);
    await steps.step(`pushing ${name}`, () =>
      host.images.push(name, { progress: () => {}, signal: input.signal, insecure, ...(auth && { auth }) }),
    );
  }
}
