// What is attested of a platform's image, as a manifest beside it in the index (BuildKit, docs/attestations/attestation-storage.md).
import { encodeJson } from "../../../oci/json.ts";
import { type Descriptor, type Manifest, MEDIA, type Platform } from "../../../oci/types.ts";
import type { Store } from "../../../store/types.ts";
import type { ExportedPlatform, LayerBlob } from "../../types.ts";
import type { ExportInput, ExportSteps } from "../exporter.ts";
import type { WriterOptions } from "../image-options.ts";
import { describe, putJson } from "../image-writer.ts";
import { digestSet, imageUrl, statementOf } from "./statement.ts";

const IN_TOTO = "application/vnd.in-toto+json";
const ARTIFACT = "application/vnd.docker.attestation.manifest.v1+json";
const EMPTY = "application/vnd.oci.empty.v1+json";
const UNKNOWN: Platform = { architecture: "unknown", os: "unknown" };

export interface AttestedImage {
  platform: ExportedPlatform;
  manifest: Descriptor;
  layers: readonly LayerBlob[];
}

/** Answers the manifest's descriptor, as the index has it. */
export async function storeAttestations(
  store: Store,
  { platform, manifest: target, layers }: AttestedImage,
  { input, steps, artifact, subjects: names }: WriterOptions & { input: ExportInput; steps: ExportSteps },
): Promise<Descriptor & { platform: Platform }> {
  const { lease, signal } = input;
  const subjects = names.map((name) => ({
    name: imageUrl(name, platform.platform),
    digest: digestSet(target.digest),
  }));
  const blobs: Descriptor[] = [];
  for (const { predicateType, predicate } of platform.attestations ?? []) {
    const statement = statementOf(predicateType, subjects, await predicate({ store, layers, signal }));
    const blob = await putJson(store, encodeJson(statement), IN_TOTO, lease);
    blobs.push({ ...blob, annotations: { "in-toto.io/predicate-type": predicateType } });
  }
  const configBytes = artifact
    ? encodeJson({})
    : encodeJson({
        ...UNKNOWN,
        config: {},
        rootfs: { type: "layers", diff_ids: blobs.map(({ digest }) => digest) },
      });
  const config = describe(configBytes, artifact ? EMPTY : MEDIA.ociConfig);
  const { mediaType, digest, size } = target;
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    ...(artifact && { artifactType: ARTIFACT }),
    config: artifact ? { ...config, data: "e30=" } : config,
    layers: blobs,
    ...(artifact && { subject: { mediaType, digest, size } }),
  };
  const bytes = encodeJson(manifest, 2);
  const stored = describe(bytes, MEDIA.ociManifest);
  await steps.step(`exporting attestation manifest ${stored.digest}`, async () => {
    await store.content.put(configBytes, lease);
    await store.content.put(bytes, lease);
  });
  return {
    ...stored,
    annotations: {
      "vnd.docker.reference.digest": target.digest,
      "vnd.docker.reference.type": "attestation-manifest",
    },
    platform: UNKNOWN,
  };
}
