// The exporter `image` (Docker's `moby` too): the result as an image of this engine, named, and sent to its registry if asked.
import { invalid } from "../../base/errors.ts";
import { parseReference, repositoryOf } from "../../oci/reference.ts";
import type { Descriptor } from "../../oci/types.ts";
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
  if (options.push) await push(host, options, target, input, steps);
  return imageResponse(image, names.join(","));
}

async function push(
  host: BuildHost,
  { names, insecure, pushByDigest }: ImageOptions,
  target: Descriptor,
  input: ExportInput,
  steps: ExportSteps,
): Promise<void> {
  if (names.length === 0) throw invalid("tag is needed when pushing to registry");
  for (const name of names) {
    const reference = parseReference(name);
    const auth = await credentialsOf(input, reference.domain);
    const pushed = pushByDigest ? repositoryOf(reference) : name;
    await steps.step(`pushing ${pushByDigest ? `${pushed}@${target.digest}` : name}`, () =>
      host.images.push(pushed, target, {
        progress: () => {},
        signal: input.signal,
        insecure,
        ...(auth && { auth }),
      }),
    );
  }
}
