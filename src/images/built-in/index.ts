// The images that come with Berth, `hello-world` and `busybox`, for a machine that reaches no registry. Made when they
// are first wanted, from what is committed here and the distribution's busybox-static; the same bytes each time.
import { unavailable } from "../../base/errors.ts";
import { type Digest, digestOf } from "../../oci/digest.ts";
import { runsOn } from "../../oci/platform.ts";
import { canonical, type Reference } from "../../oci/reference.ts";
import { type Descriptor, type ImageConfig, type Manifest, MEDIA, type Platform } from "../../oci/types.ts";
import type { LeaseId } from "../../store/types.ts";
import type { ImageContext } from "../context.ts";
import type { Layers } from "../layers.ts";
import { BUSYBOX_CONFIG, busyboxLayer } from "./busybox.ts";
import { HELLO_CONFIG, helloLayer } from "./hello-world.ts";

export type BuiltInName = "hello-world" | "busybox";

/** So that the same source gives the same digest on every day. */
const CREATED = "2025-01-01T00:00:00Z";

/**
 * The built-in image that a name stands for: exactly these two words, as they were typed (clients add `:latest`), for a
 * platform that is the host's own.
 */
export function builtInFor(
  text: string,
  wanted: Platform | undefined,
  host: Platform,
): BuiltInName | undefined {
  const name = /^(hello-world|busybox)(?::latest)?$/.exec(text)?.[1] as BuiltInName | undefined;
  if (!name || !["amd64", "arm64"].includes(host.architecture)) return undefined;
  if (wanted && runsOn(wanted).rank(host) !== 0) return undefined;
  return name;
}

/** Stores, unpacks and describes a built-in image; the caller records its name. */
export async function recordBuiltIn(
  { store, environment }: ImageContext,
  layers: Layers,
  name: BuiltInName,
  reference: Reference,
  lease: LeaseId,
  signal: AbortSignal,
): Promise<{ root: Descriptor; before: Digest | undefined }> {
  const before = store.images.get(canonical(reference))?.target.digest;
  const image = await makeBuiltIn(name, environment.platform.architecture);
  for (const bytes of [image.layer, image.config, image.manifest]) await store.content.put(bytes, lease);
  const layer = describe(MEDIA.ociLayer, image.layer);
  const noop = () => undefined;
  const top = await layers.unpackStack(
    [{ descriptor: layer, diffId: layer.digest, unpacking: noop, unpacked: noop }],
    lease,
    signal,
  );
  const root = describe(MEDIA.ociManifest, image.manifest);
  if (top) store.content.setLabels(root.digest, { unpacked: top });
  return { root, before };
}

const describe = (mediaType: string, bytes: Uint8Array): Descriptor => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});

/** The blobs of a built-in image. Errors: unavailable for an architecture that we can't make it for. */
export async function makeBuiltIn(
  name: BuiltInName,
  architecture: string,
): Promise<{ layer: Uint8Array; config: Uint8Array; manifest: Uint8Array }> {
  if (architecture !== "amd64" && architecture !== "arm64")
    throw unavailable(`there is no built-in ${name} image for ${architecture}`);
  const layer = name === "hello-world" ? helloLayer(architecture) : await busyboxLayer();
  const diffId = digestOf(layer);
  const imageConfig: ImageConfig = {
    created: CREATED,
    architecture,
    os: "linux",
    config: name === "hello-world" ? HELLO_CONFIG : BUSYBOX_CONFIG,
    rootfs: { type: "layers", diff_ids: [diffId] },
    history: [{ created: CREATED, created_by: "berth", comment: "comes with Berth" }],
  };
  const config = encode(imageConfig);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    config: describe(MEDIA.ociConfig, config),
    // Not compressed: nobody carries it over a network, and compressors differ from version to version.
    layers: [describe(MEDIA.ociLayer, layer)],
  };
  return { layer, config, manifest: encode(manifest) };
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
