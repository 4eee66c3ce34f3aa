// What a registry holds under a name, read as far as `imagetools inspect --format` shows it: the image of each platform, and its
// attestations. Facts: buildx, util/imagetools/loader.go.
import { isDigest } from "../../oci/digest.ts";
import { formatPlatform, normalizePlatform } from "../../oci/platform.ts";
import type { Reference } from "../../oci/reference.ts";
import {
  type Descriptor,
  type ImageConfig,
  type Index,
  isIndex,
  isManifest,
  type Manifest,
} from "../../oci/types.ts";
import type { RegistryManifest } from "../../sdk/index.ts";
import { inOrder } from "./documents.ts";
import type { RegistryAccess } from "./registry.ts";

/** An image's, or of an index those of its platforms. */
export interface InspectedImage {
  config: ImageConfig;
  /** The predicate, where there is one. */
  provenance?: unknown;
  /** Predicates of SPDX documents. */
  sboms: unknown[];
}

export interface Wanted {
  provenance: boolean;
  sbom: boolean;
}

const REFERENCE_DIGESTS = ["com.docker.reference.digest", "vnd.docker.reference.digest"];
const PREDICATE_TYPE = "in-toto.io/predicate-type";
const SPDX = "https://spdx.dev/Document";
const PROVENANCE = "https://slsa.dev/provenance/";
const MAX_DEPTH = 4;

/** Images by their platforms, in the platforms' order. */
export async function readImages(
  registry: RegistryAccess,
  reference: Reference,
  root: RegistryManifest,
  wanted: Wanted,
): Promise<Map<string, InspectedImage>> {
  const reader = new Reader(registry, reference);
  const { digest, mediaType, bytes } = root;
  await reader.read({ mediaType, digest, size: bytes.length } as Descriptor, bytes, 0);
  const entries = [...reader.images].sort(([a], [b]) => (a < b ? -1 : 1));
  const attests = wanted.provenance || wanted.sbom;
  return new Map(
    await Promise.all(
      entries.map(async ([platform, image]): Promise<[string, InspectedImage]> => {
        const attestations = attests ? (reader.attestations.get(image.digest) ?? []) : [];
        return [platform, { config: image.config, ...(await reader.attested(attestations, wanted)) }];
      }),
    ),
  );
}

class Reader {
  readonly images = new Map<string, { digest: string; config: ImageConfig }>();
  /** Manifests of attestations, by the digest of what they are about. */
  readonly attestations = new Map<string, Manifest[]>();

  constructor(
    private readonly registry: RegistryAccess,
    private readonly reference: Reference,
  ) {}

  async read(descriptor: Descriptor, bytes: Uint8Array | undefined, depth: number): Promise<void> {
    const { digest, mediaType, annotations = {} } = descriptor;
    if (depth > MAX_DEPTH) throw new Error(`index ${digest}: indexes within indexes`);
    if (isIndex(mediaType)) {
      const index = parsed<Index>(bytes ?? (await this.document(descriptor)));
      await Promise.all((index.manifests ?? []).map((child) => this.read(child, undefined, depth + 1)));
    } else if (isManifest(mediaType)) {
      const manifest = parsed<Manifest>(bytes ?? (await this.document(descriptor)));
      const subject = REFERENCE_DIGESTS.map((name) => annotations[name]).find(Boolean);
      if (subject === undefined) return await this.image(descriptor, manifest);
      if (!isDigest(subject)) throw new Error("invalid checksum digest format");
      this.attestations.set(subject, [...(this.attestations.get(subject) ?? []), manifest]);
    }
  }

  private async document({ digest }: Descriptor): Promise<Uint8Array> {
    return (await this.registry.manifest({ ...this.reference, digest })).bytes;
  }

  private async image({ digest, platform }: Descriptor, manifest: Manifest): Promise<void> {
    const config = parsed<ImageConfig>(await this.registry.blob(this.reference, manifest.config.digest));
    const { os = "", architecture = "", variant } = platform ?? config;
    this.images.set(formatPlatform(normalizePlatform({ os, architecture, variant })), { digest, config });
  }

  /** What the attestations of one image say. */
  async attested(manifests: Manifest[], wanted: Wanted): Promise<Omit<InspectedImage, "config">> {
    const found: Omit<InspectedImage, "config"> = { sboms: [] };
    for (const layer of manifests.flatMap(({ layers }) => layers ?? [])) {
      const type = layer.annotations?.[PREDICATE_TYPE] ?? "";
      if (!isStatement(layer.mediaType)) continue;
      if (wanted.sbom && type === SPDX) found.sboms.push(await this.predicate(layer));
      if (wanted.provenance && type.startsWith(PROVENANCE)) found.provenance = await this.predicate(layer);
    }
    return found;
  }

  private async predicate({ digest, mediaType }: Descriptor): Promise<unknown> {
    const bytes = await this.registry.blob(this.reference, digest);
    const signed = mediaType.endsWith("+dsse")
      ? Buffer.from(parsed<{ payload: string }>(bytes).payload, "base64")
      : bytes;
    return inOrder(parsed<{ predicate?: unknown }>(signed).predicate ?? null);
  }
}

/** In-toto's, plain or in a signed envelope. */
const isStatement = (mediaType: string): boolean =>
  mediaType === "application/vnd.in-toto+json" || /application\/vnd\.in-toto\..*\+dsse/.test(mediaType);

const parsed = <T>(bytes: Uint8Array): T => JSON.parse(new TextDecoder().decode(bytes)) as T;
