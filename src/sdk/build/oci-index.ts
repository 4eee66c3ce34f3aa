// index.json of a folder in OCI's image layout: which manifest a name leads to (BuildKit client/ociindex).
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

interface Entry {
  digest: string;
  mediaType?: string;
  size?: number;
  annotations?: Record<string, string>;
  [key: string]: unknown;
}
interface Index {
  manifests?: Entry[];
  [key: string]: unknown;
}

const IMAGE_NAME = "io.containerd.image.name";
const REF_NAME = "org.opencontainers.image.ref.name";

async function readIndex(folder: string): Promise<Index | undefined> {
  const text = await readFile(join(folder, "index.json"), "utf8").catch(() => undefined);
  return text?.trim() ? (JSON.parse(text) as Index) : undefined;
}

/** The digest for a name or a tag; undefined where the index has none. */
export async function digestByTag(folder: string, tag: string): Promise<string | undefined> {
  const manifests = (await readIndex(folder))?.manifests ?? [];
  for (const key of [IMAGE_NAME, REF_NAME]) {
    const found = manifests.find(({ annotations }) => annotations?.[key] === tag);
    if (found) return found.digest;
  }
  return undefined;
}

/** As `digestByTag`; where nothing has the name, the only manifest there is. */
export async function resolveLayout(folder: string, tag: string): Promise<string | undefined> {
  const named = await digestByTag(folder, tag);
  if (named) return named;
  const manifests = (await readIndex(folder))?.manifests ?? [];
  return manifests.length === 1 ? manifests[0]?.digest : undefined;
}

/** Under which name a manifest is written down: a whole image name, or a tag alone. */
export type LayoutName = { name: string } | { tag: string };

/** Puts a manifest into the index under the names; what had them loses them. */
export async function putIntoIndex(folder: string, manifest: Entry, names: LayoutName[]): Promise<void> {
  const index: Index = (await readIndex(folder)) ?? {};
  let manifests = index.manifests ?? [];
  for (const one of names) {
    const image = "name" in one ? one.name : undefined;
    const ref = "name" in one ? tagOf(one.name) : one.tag;
    manifests = manifests.filter(
      ({ annotations }) => annotations?.[REF_NAME] !== ref || annotations?.[IMAGE_NAME] !== image,
    );
    const annotations = { ...manifest.annotations, ...(image && { [IMAGE_NAME]: image }), [REF_NAME]: ref };
    manifests.push({ ...manifest, annotations });
  }
  await replace(join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  await replace(
    join(folder, "index.json"),
    JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      ...index,
      manifests,
    }),
  );
}

async function replace(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, text);
  await rename(draft, path);
}

/** OCI's annotation has the tag alone, or the digest. */
function tagOf(name: string): string {
  const digest = name.indexOf("@");
  if (digest >= 0) return name.slice(digest + 1);
  const colon = name.lastIndexOf(":");
  return colon > name.lastIndexOf("/") ? name.slice(colon + 1) : name;
}
