// Caches and image layouts in folders of this host: the daemon reads and writes their blobs through the session, what
// names lead to is written down here.
import { mkdirSync } from "node:fs";
import { SdkError } from "../errors.ts";
import { digestByTag, type LayoutName, putIntoIndex } from "./oci-index.ts";
import type { BuildPlan } from "./plan.ts";
import type { BuildOutput } from "./types.ts";

interface CacheEntry {
  type: string;
  attrs: Record<string, string>;
}

export interface PreparedCaches {
  exports: CacheEntry[];
  imports: CacheEntry[];
  /** Folders by the id that the daemon asks for. */
  stores: Record<string, string>;
  /** For the frontend: it imports caches, too. */
  attributes: Record<string, string>;
  /** Tags by the folders whose index gets them. */
  written: Map<string, string>;
}

const missing = (what: string) => new SdkError("protocol", what);

export async function prepareCaches({ cacheFrom, cacheTo }: BuildPlan): Promise<PreparedCaches> {
  const prepared: PreparedCaches = {
    exports: [],
    imports: [],
    stores: {},
    attributes: {},
    written: new Map(),
  };
  for (const { type, attributes } of cacheTo) {
    if (type === "local") {
      const folder = attributes.dest;
      if (!folder) throw missing("local cache exporter requires dest");
      mkdirSync(folder, { recursive: true });
      prepared.stores[`local:${folder}`] = folder;
      prepared.written.set(folder, attributes.tag ?? "latest");
    }
    if (type === "registry" && !attributes.ref) throw missing("registry cache exporter requires ref");
    prepared.exports.push({ type, attrs: attributes });
  }
  for (const { type, attributes } of cacheFrom) {
    const attrs = { ...attributes };
    if (type === "local") {
      const folder = attrs.src;
      if (!folder) throw missing("local cache importer requires src");
      attrs.digest ||= (await digestByTag(folder, attrs.tag ?? "latest").catch(() => undefined)) ?? "";
      if (!attrs.digest) continue; // No cache yet: the build that makes it is the usual first one
      prepared.stores[`local:${folder}`] = folder;
    }
    if (type === "registry" && !attrs.ref) throw missing("registry cache importer requires ref");
    prepared.imports.push({ type, attrs });
  }
  if (prepared.imports.length > 0) {
    const list = prepared.imports.map(({ type, attrs }) => ({ Type: type, Attrs: attrs }));
    prepared.attributes["cache-imports"] = JSON.stringify(list);
  }
  return prepared;
}

/** The daemon has one name for the folder of an image's layout. */
export function layoutStores(outputs: BuildOutput[]): Record<string, string> {
  const folders = outputs.filter(isLayout).map(({ folder = "" }) => folder);
  if (folders.length > 1) throw missing('oci store key "export" already exists');
  const [folder] = folders;
  if (!folder) return {};
  mkdirSync(folder, { recursive: true });
  return { export: folder };
}

const isLayout = ({ type, folder }: BuildOutput) =>
  folder !== undefined && (type === "oci" || type === "docker");

/** Writes down what the result's names lead to. */
export async function recordLayouts(
  response: Record<string, string>,
  outputs: BuildOutput[],
  written: Map<string, string>,
): Promise<void> {
  const cache = response["cache.manifest"];
  if (cache) for (const [folder, tag] of written) await putIntoIndex(folder, JSON.parse(cache), [{ tag }]);
  const image = response["containerimage.descriptor"];
  if (!image) return;
  const manifest = JSON.parse(Buffer.from(image, "base64").toString());
  const names = response["image.name"]?.split(",").map((name): LayoutName => ({ name }));
  for (const output of outputs)
    if (isLayout(output)) await putIntoIndex(output.folder ?? "", manifest, names ?? [{ tag: "latest" }]);
}
