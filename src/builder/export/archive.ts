// The exporters `oci` and `docker`: the result as an archive (or, with tar=false, as blobs) at the client: an OCI image layout
// (image-spec, image-layout.md), which `docker load` knows by its manifest.json (containerd, core/images/archive/exporter.go).
import { invalid } from "../../base/errors.ts";
import { hexOf } from "../../oci/digest.ts";
import { encodeJson } from "../../oci/json.ts";
import { canonical, familiar, parseReference, type Reference, withDefaultTag } from "../../oci/reference.ts";
import { type Descriptor, type Index, isIndex, isManifest, type Manifest, MEDIA } from "../../oci/types.ts";
import { END_OF_ARCHIVE, encodeEntry, paddingOf } from "../../store/index.ts";
import type { ContentStore, Store } from "../../store/types.ts";
import { chunksOf, openClientStore } from "../session/client-store.ts";
import type { BuildHost, ExporterResponse } from "../types.ts";
import { sortedRecord } from "./annotations.ts";
import { type Exporter, type ExportInput, type ExportSteps, isMultiPlatform } from "./exporter.ts";
import { instant } from "./image-config.ts";
import { flagOf, namesIn, readWriterOptions, type WriterOptions } from "./image-options.ts";
import { storeResult } from "./image-writer.ts";
import { imageResponse } from "./response.ts";
import { sendBytes } from "./send-bytes.ts";

type Variant = "oci" | "docker";

interface ArchiveOptions extends WriterOptions {
  variant: Variant;
  names: Reference[];
  tar: boolean;
}

const CREATED = "org.opencontainers.image.created";
const LAYOUT = encodeJson({ imageLayoutVersion: "1.0.0" });
/** What a client calls the place where it wants blobs to be. */
const STORE = "export";

/** Errors: invalid, for options that are not known or are no names. */
export function archiveExporter(
  variant: Variant,
  attributes: Readonly<Record<string, string>>,
  { store }: BuildHost,
): Exporter {
  const options: ArchiveOptions = {
    ...readWriterOptions(attributes, { oci: variant === "oci", inline: false }),
    variant,
    names: namesIn(attributes.name).map((name) => withDefaultTag(parseReference(name))),
    tar: flagOf(attributes, "tar", true),
  };
  return {
    title: `exporting to ${variant} image format`,
    export: (input, steps) => exportArchive(store, options, input, steps),
  };
}

async function exportArchive(
  store: Store,
  options: ArchiveOptions,
  input: ExportInput,
  steps: ExportSteps,
): Promise<ExporterResponse> {
  if (options.variant === "docker" && isMultiPlatform(input.platforms))
    throw invalid("docker exporter does not currently support exporting manifest lists");
  const stored = await storeResult(store, input, steps, options);
  const created = stored.epoch === undefined ? new Date() : new Date(stored.epoch * 1000);
  const { platform, annotations, ...plain } = stored.target;
  const target: Descriptor = {
    ...plain,
    annotations: sortedRecord({
      [CREATED]: instant(Math.floor(created.getTime() / 1000)),
      ...annotations,
    }),
    ...(platform && { platform }),
  };
  const response = imageResponse({ ...stored, target }, options.names.map(canonical).join(","));
  const session = await input.session();
  const blobs = await blobsOf(store.content, target);
  if (options.tar)
    await steps.step("sending tarball", (part) =>
      sendBytes(session, tarOf(store.content, target, blobs, options), {
        number: input.number,
        metadata: response,
        signal: input.signal,
        sent: (current) => part({ current }),
      }),
    );
  else {
    const folder = openClientStore(session, STORE);
    for (const blob of blobs.reverse())
      await folder.write(blob, chunksOf(store.content.path(blob.digest)), input.signal);
  }
  return response;
}

/** The target and all below it, each digest once, parents first. */
async function blobsOf(content: ContentStore, target: Descriptor): Promise<Descriptor[]> {
  const found = new Map([[target.digest, target]]);
  for (const descriptor of found.values())
    for (const child of await below(content, descriptor)) {
      found.delete(child.digest);
      found.set(child.digest, child);
    }
  return [...found.values()];
}

async function below(content: ContentStore, { mediaType, digest }: Descriptor): Promise<Descriptor[]> {
  if (isIndex(mediaType)) return (await content.readJson<Index>(digest)).manifests;
  if (!isManifest(mediaType)) return [];
  const { config, layers } = await content.readJson<Manifest>(digest);
  return [config, ...layers];
}

interface Entry {
  name: string;
  mode: number;
  bytes?: Uint8Array;
  blob?: Descriptor;
}

async function* tarOf(
  content: ContentStore,
  target: Descriptor,
  blobs: readonly Descriptor[],
  options: ArchiveOptions,
): AsyncGenerator<Uint8Array> {
  const entries: Entry[] = [
    ...blobs.map((blob) => ({ name: pathOf(blob), mode: 0o444, blob })),
    { name: "index.json", mode: 0o644, bytes: indexOf(target, options.names) },
    { name: "oci-layout", mode: 0o444, bytes: LAYOUT },
  ];
  const manifest = options.variant === "docker" && (await dockerManifest(content, target, options.names));
  if (manifest) entries.push({ name: "manifest.json", mode: 0o644, bytes: manifest });
  yield head("blobs", 0o755);
  yield head("blobs/sha256", 0o755);
  for (const { name, mode, bytes, blob } of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const size = bytes?.length ?? blob?.size ?? 0;
    yield head(name, mode, size);
    if (bytes) yield bytes;
    if (blob) yield* chunksOf(content.path(blob.digest));
    yield Buffer.alloc(paddingOf(size));
  }
  yield END_OF_ARCHIVE;
}

/** A folder where there is no size. */
const head = (name: string, mode: number, size?: number): Uint8Array =>
  encodeEntry({
    name,
    type: size === undefined ? "directory" : "file",
    mode,
    uid: 0,
    gid: 0,
    size: size ?? 0,
    modified: { seconds: 0, nanoseconds: 0 },
    linkName: "",
    major: 0,
    minor: 0,
  });

const pathOf = ({ digest }: Descriptor): string =>
  `blobs/${digest.slice(0, digest.indexOf(":"))}/${hexOf(digest)}`;

/** index.json: an entry for each name, the name in the annotations that containerd and Docker read. */
function indexOf(target: Descriptor, names: readonly Reference[]): Uint8Array {
  const { annotations, platform, ...plain } = target;
  const entry = (name?: Reference) => ({
    ...plain,
    annotations: sortedRecord({
      ...annotations,
      ...(name && {
        "io.containerd.image.name": canonical(name),
        "org.opencontainers.image.ref.name": name.tag ?? name.digest ?? "",
      }),
    }),
    ...(platform && { platform }),
  });
  return encodeJson({
    schemaVersion: 2,
    mediaType: MEDIA.ociIndex,
    manifests: names.length > 0 ? names.map(entry) : [entry()],
  });
}

/** manifest.json, of the one image that is in there, besides what is attested of it. */
async function dockerManifest(
  content: ContentStore,
  target: Descriptor,
  names: readonly Reference[],
): Promise<Uint8Array | undefined> {
  const image = isIndex(target.mediaType)
    ? (await content.readJson<Index>(target.digest)).manifests[0]
    : target;
  if (!image) return undefined;
  const { config, layers } = await content.readJson<Manifest>(image.digest);
  return encodeJson([
    {
      Config: pathOf(config),
      RepoTags: names.length > 0 ? names.map(familiar) : null,
      Layers: layers.map(pathOf),
    },
  ]);
}
