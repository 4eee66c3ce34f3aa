// Builds as an archive: an OCI layout in which each is a manifest, its record the config, what the record names its layers
// (docker/buildx util/desktop/bundle).
import { createHash } from "node:crypto";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { END_OF_ARCHIVE, encodeEntry, paddingOf, type TarEntry } from "../../archive/index.ts";
import { goJson } from "../../base/go-json.ts";
import type { BuildRecord, Client, RecordedBlob } from "../../sdk/index.ts";
import type { LocalState } from "./local-state.ts";
import { recordJson } from "./record-json.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const RECORD = "application/vnd.buildkit.historyrecord.v0";
/** What a part of an image says it is: read as a layer nobody follows it. */
const TYPE = "vnd.export-build.descriptor.mediatype";

export interface BundledRecord {
  record: BuildRecord;
  /** The builder's own. */
  platform: string;
  state: LocalState | undefined;
}

interface Described {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

/** Throws a BuildError where a blob is gone. */
export async function writeBundle(client: Client, records: BundledRecord[], out: Writable): Promise<void> {
  const blobs = new Map<string, Uint8Array>();
  const add = (mediaType: string, bytes: Uint8Array): Described => {
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const json = (value: object, indent?: number) => Buffer.from(goJson(value, indent));
  const manifests: Described[] = [];
  for (const one of records) {
    const config = add(RECORD, json(recordJson(one), 2));
    const layers: Described[] = [];
    for (const blob of partsOf(one.record)) {
      if (layers.some(({ digest }) => digest === blob.digest)) continue;
      blobs.set(blob.digest, await client.builder.blob(blob.digest));
      layers.push(blob);
    }
    const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers };
    manifests.push(add(MANIFEST, json(manifest, 2)));
  }
  const [only] = manifests;
  const root =
    records.length === 1 && only
      ? only
      : add(INDEX, json({ schemaVersion: 2, mediaType: INDEX, manifests: named(manifests, records) }, 2));
  const index = json({ schemaVersion: 2, mediaType: INDEX, manifests: [root] });
  await pipeline(Readable.from(entries(blobs, index)), createGzip(), out);
}

const named = (manifests: Described[], records: BundledRecord[]): Described[] =>
  manifests.map((manifest, at) => ({
    ...manifest,
    annotations: { "vnd.buildkit.history.reference": records[at]?.record.ref ?? "" },
  }));

function partsOf({ trace, log, failure, results }: BuildRecord): Described[] {
  const plain = [trace, log].flatMap((blob) => (blob ? [described(blob)] : []));
  const made = results.flatMap(({ attestations, images }) => [
    ...attestations.map(described),
    ...images.map((image) => ({
      ...described(image),
      mediaType: "application/json",
      annotations: { ...image.annotations, [TYPE]: image.mediaType },
    })),
  ]);
  return [...plain, ...made, ...(failure ? [described(failure)] : [])];
}

function described({ mediaType, digest, size, annotations }: RecordedBlob): Described {
  return { mediaType, digest, size, ...(Object.keys(annotations).length > 0 && { annotations }) };
}

function* entries(blobs: Map<string, Uint8Array>, index: Uint8Array): Generator<Uint8Array> {
  for (const name of ["blobs/", "blobs/sha256/"]) yield encodeEntry(entryOf(name, 0o755, 0));
  for (const [digest, bytes] of [...blobs].sort(([a], [b]) => (a < b ? -1 : 1)))
    yield* file(`blobs/${digest.replace(":", "/")}`, 0o444, bytes);
  yield* file("index.json", 0o644, index);
  yield* file("oci-layout", 0o444, Buffer.from(JSON.stringify({ imageLayoutVersion: "1.0.0" })));
  yield END_OF_ARCHIVE;
}

function* file(name: string, mode: number, bytes: Uint8Array): Generator<Uint8Array> {
  yield encodeEntry(entryOf(name, mode, bytes.length));
  yield bytes;
  yield new Uint8Array(paddingOf(bytes.length));
}

const entryOf = (name: string, mode: number, size: number): TarEntry => ({
  name,
  type: name.endsWith("/") ? "directory" : "file",
  mode,
  size,
  uid: 0,
  gid: 0,
  modified: { seconds: 0, nanoseconds: 0 },
  linkName: "",
  major: 0,
  minor: 0,
});
