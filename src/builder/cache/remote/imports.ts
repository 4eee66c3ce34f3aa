// The caches that one build imports. Each is read once somebody asks; of what it has, only what a vertex needs is brought. A cache
// that can't be read is told of, and the build goes on without it.
import { messageOf } from "../../../base/errors.ts";
import { log } from "../../../base/log.ts";
import type { Digest } from "../../../oci/digest.ts";
import type { Descriptor, Platform } from "../../../oci/types.ts";
import type { SnapshotId, Store } from "../../../store/types.ts";
import type { Vertex } from "../../solver/graph.ts";
import type { BringContext, ImportedCaches } from "../../solver/imported-caches.ts";
import type { VertexProgress } from "../../solver/progress.ts";
import { transferParts } from "../../sources/transfer-parts.ts";
import type { BuildRecord, Records } from "../records.ts";
import { bringLayers } from "./bring-layers.ts";
import { execRecord, imageRecords, ROOT_SELECTOR } from "./buildkit-keys.ts";
import type { RemoteLayer, RemoteRecord } from "./config.ts";
import { loadCache } from "./load.ts";
import { type CacheEntry, type CacheImport, configuring, idOf, readCacheImport } from "./options.ts";
import { type CacheSource, folderSource, type PlaceContext, registrySource } from "./places.ts";
import type { RecordIndex } from "./record-index.ts";

interface Imported {
  source: CacheSource;
  index: RecordIndex;
  /** Numbers of BuildKit's records that stand for vertices. */
  matches: Map<Digest, Promise<ReadonlySet<number>>>;
}

export interface ImportsContext {
  store: Store;
  records: Records;
  /** Of the host: what steps run on that name none. */
  platform: Platform;
  /** What the caches are reached with, as long as the build lasts. */
  places(): PlaceContext;
  /** Shows work as a vertex. */
  shown<T>(name: string, work: (progress: VertexProgress) => Promise<T>): Promise<T>;
}

export class CacheImports implements ImportedCaches {
  private readonly entries = new Map<string, CacheEntry>();
  private readonly loaded = new Map<string, Promise<Imported[]>>();
  /** Keys whose layers couldn't be brought. */
  private readonly broken = new Set<string>();

  constructor(private readonly context: ImportsContext) {}

  add(entries: readonly CacheEntry[]): void {
    for (const entry of entries) {
      const id = idOf(entry);
      if (!this.entries.has(id)) this.entries.set(id, entry);
    }
  }

  /** Begins to read what is to be imported. */
  start(): void {
    for (const [id, entry] of this.entries)
      if (!this.loaded.has(id)) this.loaded.set(id, this.load(id, entry));
  }

  async keyOf(alias: string): Promise<string | undefined> {
    for (const { index } of await this.all()) {
      const key = index.keyOf(alias);
      if (key !== undefined) return key;
    }
    return undefined;
  }

  async bring(key: string, context: BringContext): Promise<BuildRecord | undefined> {
    const found = this.broken.has(key) ? undefined : await this.find(key, context);
    if (!found) return undefined;
    const { lease, progress, signal, vertex } = context;
    const { store, records } = this.context;
    const { source, index, layers, isOwn } = found;
    progress.start();
    let snapshots: SnapshotId[];
    try {
      const options = { lease, progress: transferParts(progress), signal };
      snapshots = await bringLayers(store, source, layers, options);
    } catch (thrown) {
      signal.throwIfAborted();
      this.broken.add(key);
      log.warn("a build's cache was found and couldn't be brought: its step runs", {
        step: vertex.name,
        error: messageOf(thrown),
      });
      return undefined;
    }
    const made = records.find(key) ?? (await this.record(index, key, vertex.name, snapshots.at(-1)));
    for (const [other, result] of isOwn ? index.results() : [])
      if (other !== key && startsWith(layers, result.layers) && !records.find(other))
        await this.record(index, other, describe(result), snapshots[result.layers.length - 1]);
    return made;
  }

  /** As if the step had been run here. */
  private async record(
    index: RecordIndex,
    key: string,
    description: string,
    snapshot: SnapshotId | undefined,
  ): Promise<BuildRecord> {
    const { records } = this.context;
    const outputs = [snapshot ?? null];
    const made = await records.add({ key, type: "regular", description, outputs, parents: [] });
    for (const alias of index.aliasesOf(key)) records.setAlias(alias, key);
    return made;
  }

  /** By our own key, else as BuildKit knows it. */
  private async find(
    key: string,
    context: BringContext,
  ): Promise<(Imported & { layers: RemoteLayer[]; isOwn: boolean }) | undefined> {
    const all = await this.all();
    for (const imported of all) {
      const result = imported.index.result(key);
      if (result) return { ...imported, layers: result.layers, isOwn: true };
    }
    for (const imported of all)
      for (const number of await this.matching(imported, context.vertex, context)) {
        const result = imported.index.resultAt(number);
        if (result) return { ...imported, layers: result.layers, isOwn: false };
      }
    return undefined;
  }

  private matching(imported: Imported, vertex: Vertex, context: BringContext): Promise<ReadonlySet<number>> {
    const known = imported.matches.get(vertex.digest) ?? this.match(imported, vertex, context);
    imported.matches.set(vertex.digest, known);
    return known;
  }

  private async match(
    imported: Imported,
    vertex: Vertex,
    context: BringContext,
  ): Promise<ReadonlySet<number>> {
    const { index } = imported;
    const image = await context.imageOf(vertex);
    if (image) return new Set(imageRecords(image).flatMap((digest) => index.numbers(digest)));
    const digest = vertex.metadata?.ignoreCache ? undefined : execRecord(vertex.op, this.context.platform);
    const [input] = vertex.inputs;
    if (!digest || !input || input.index !== 0) return new Set();
    const records = await this.matching(imported, input.vertex, context);
    return new Set(records.size > 0 ? index.numbers(digest, { selector: ROOT_SELECTOR, records }) : []);
  }

  private async all(): Promise<Imported[]> {
    this.start();
    return (await Promise.all(this.loaded.values())).flat();
  }

  private async load(id: string, entry: CacheEntry): Promise<Imported[]> {
    try {
      return await this.context.shown(`importing cache manifest from ${id}`, async (progress) => {
        const place = readCacheImport(entry);
        const { source, root } = await opened(place, this.context.places()).catch((thrown: unknown) => {
          throw configuring("importer", place.type, thrown);
        });
        const indexes = await loadCache(source, root, (type) =>
          progress.part(`inferred cache manifest type: ${type}`)({ done: true }),
        );
        return indexes.map((index) => ({ source, index, matches: new Map() }));
      });
    } catch {
      return []; // The vertex tells of it
    }
  }
}

async function opened(
  place: CacheImport,
  context: PlaceContext,
): Promise<{ source: CacheSource; root: Descriptor }> {
  const source =
    place.type === "registry" ? await registrySource(place, context) : folderSource(place, context);
  return { source, root: await source.root() };
}

/** Whether a stack stands on another one. */
const startsWith = (stack: readonly RemoteLayer[], below: readonly RemoteLayer[]): boolean =>
  below.length <= stack.length && below.every(({ diffId }, at) => stack[at]?.diffId === diffId);

function describe({ layers }: NonNullable<RemoteRecord["result"]>): string {
  const top = layers.at(-1);
  return top?.description ?? `imported ${top?.descriptor.digest}`;
}
