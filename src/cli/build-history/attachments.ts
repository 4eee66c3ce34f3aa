// What hangs on a build's record: statements about how it was made, and its images with what their indexes name
// (docker/buildx commands/history/inspect.go: allAttachments).
import type { BuildRecord, Client, RecordedBlob } from "../../sdk/index.ts";

export interface Attachment {
  /** `linux/amd64`; empty: of all, or of the only one. */
  platform: string;
  /** What it states, else its media type. */
  type: string;
  blob: RecordedBlob;
}

const PREDICATE = "in-toto.io/predicate-type";
const INDEXES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];

interface Entry extends Partial<RecordedBlob> {
  platform?: { os?: string; architecture?: string; variant?: string };
}

/** Sorted by platforms, then types. What is gone is left out. */
export async function attachmentsOf(client: Client, record: BuildRecord): Promise<Attachment[]> {
  const found: Attachment[] = [];
  for (const { platform, attestations, images } of record.results) {
    for (const blob of attestations) found.push(attachment(blob, platform));
    for (const image of images) found.push(...(await imageParts(client, image, platform)));
  }
  return found.sort((a, b) => compare(a.platform, b.platform) || compare(a.type, b.type));
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

const attachment = (blob: RecordedBlob, platform: string): Attachment => ({
  platform,
  type: blob.annotations[PREDICATE] ?? blob.mediaType,
  blob,
});

async function imageParts(client: Client, blob: RecordedBlob, platform: string): Promise<Attachment[]> {
  const bytes = await client.builder.blob(blob.digest).catch(() => undefined);
  if (!bytes) return [];
  const isStatement = blob.annotations["vnd.docker.reference.type"] === "attestation-manifest";
  const parts = isStatement ? [] : [attachment(blob, platform)];
  if (!INDEXES.includes(blob.mediaType)) return parts;
  for (const entry of entriesOf(bytes)) {
    const { mediaType = "", digest = "", size = 0, annotations = {} } = entry;
    const own = entry.platform ? platformText(entry.platform) : platform;
    parts.push(...(await imageParts(client, { mediaType, digest, size, annotations }, own)));
  }
  return parts;
}

function entriesOf(bytes: Uint8Array): Entry[] {
  try {
    return (JSON.parse(Buffer.from(bytes).toString()) as { manifests?: Entry[] }).manifests ?? [];
  } catch {
    return [];
  }
}

const platformText = ({ os, architecture, variant }: NonNullable<Entry["platform"]>): string =>
  [os, architecture, variant].filter(Boolean).join("/");
