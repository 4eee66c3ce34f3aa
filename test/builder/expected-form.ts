// The form in which a build's outcome is kept and compared: what any builder's client wrote and printed, without what
// can't be the same twice (times, ids, addresses).
import { readFileSync } from "node:fs";
import { TarReader, toText } from "../../src/archive/index.ts";
import type { ImageConfig, ImageRunConfig, Index, Manifest } from "../../src/oci/types.ts";
import { baseArchive } from "./base-images.ts";
import { archiveTree, changes, listOf, shownData, type Tree, treeOf } from "./tree.ts";

export interface Expected {
  /** Of a build for one platform. */
  image?: ImageForm;
  /** Of a build for several, by platform. */
  images?: Record<string, ImageForm>;
  /** What --output type=tar or local gave. */
  files?: string[];
  /** What --call printed. */
  printed?: string[];
  /** The client's exit status after --call. */
  status?: number;
  /** As the client's summary has them: `Rule: text (line 3)`. */
  warnings?: string[];
  /** The client's last words, without `ERROR: `. */
  error?: string;
  /** File and line of the excerpt. */
  at?: string;
  /** The excerpt's lines; what is meant has `>>>`. */
  excerpt?: string[];
}

export interface ImageForm {
  platform: string;
  config: ImageRunConfig;
  author?: string;
  /** Where the case is about times and gives this one. */
  created?: string;
  annotations?: Record<string, string>;
  /** How many, the base's too. */
  layers: number;
  /** Without the base's import: `RUN …`, and with `- ` before it what made no layer. */
  history: string[];
  /** What is new, different or gone beside the base; all of it when the image isn't of a test's base. */
  files: string[];
}

/** What an OCI layout, as a tar archive, holds. */
export function archiveForm(archive: Uint8Array, { times = false } = {}): Pick<Expected, "image" | "images"> {
  const files = filesOf(archive);
  const read = <T>(path: string): T => JSON.parse(fileOf(files, path).toString()) as T;
  const blob = (digest: string) => `blobs/${digest.replace(":", "/")}`;
  let manifests = read<Index>("index.json").manifests;
  if (manifests.length === 1 && manifests[0]?.mediaType.includes("index"))
    manifests = read<Index>(blob(manifests[0].digest)).manifests;
  const images = manifests.map(({ digest }) => {
    const manifest = read<Manifest>(blob(digest));
    // Go writes an empty list as null.
    const layers = (manifest.layers ?? []).map((layer) => fileOf(files, blob(layer.digest)));
    return imageForm(read<ImageConfig>(blob(manifest.config.digest)), manifest, layers, times);
  });
  if (images.length === 1) return { image: images[0]! };
  return { images: Object.fromEntries(images.map((image) => [image.platform, image])) };
}

/** What an archive of files alone holds. */
export const filesForm = (archive: Uint8Array, { times = false } = {}): Pick<Expected, "files"> => ({
  files: listOf(archiveTree(archive), { times }),
});

function imageForm(config: ImageConfig, manifest: Manifest, layers: Buffer[], times: boolean): ImageForm {
  const [first, ...others] = layers;
  const lowest = first && lowestTree(manifest.layers[0]?.digest ?? "", first);
  const base = baseList(times);
  const isOfBase = lowest !== undefined && Bun.deepEquals(listOf(lowest, { times }), base);
  const list = listOf(treeOf(others, lowest), { times });
  const { annotations } = manifest;
  return {
    platform: [config.os, config.architecture, ...(config.variant ? [config.variant] : [])].join("/"),
    config: config.config ?? {},
    ...(config.author && { author: config.author }),
    // Another time than the build's is SOURCE_DATE_EPOCH.
    ...(times && config.created && Date.parse(config.created) < LATELY && { created: config.created }),
    ...(annotations && { annotations }),
    layers: layers.length,
    history: (config.history ?? [])
      .filter(({ comment }) => !comment?.startsWith("Imported from"))
      .map((entry) => (entry.empty_layer ? "- " : "") + (entry.created_by ?? "")),
    files: isOfBase ? changes(base, list) : list,
  };
}

const baseLists = new Map<boolean, string[]>();

/** Nearly all images are of one base: it is read once. */
function baseList(times: boolean): string[] {
  const known = baseLists.get(times) ?? listOf(treeOf([baseArchive()]), { times });
  baseLists.set(times, known);
  return known;
}

let lastLowest: { digest: string; tree: Tree } | undefined;

function lowestTree(digest: string, layer: Buffer): Tree {
  if (lastLowest?.digest !== digest) lastLowest = { digest, tree: treeOf([layer]) };
  return lastLowest.tree;
}

/** 2022: after all times that cases give, before all builds. */
const LATELY = Date.UTC(2022);

function filesOf(archive: Uint8Array): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  let name = "";
  let chunks: Buffer[] = [];
  const reader = new TarReader({
    entry: (entry) => {
      name = toText(entry.name);
      chunks = [];
    },
    data: (chunk) => chunks.push(Buffer.from(chunk)),
    end: () => files.set(name, Buffer.concat(chunks)),
  });
  reader.push(Buffer.from(archive));
  reader.finish();
  return files;
}

function fileOf(files: Map<string, Buffer>, path: string): Buffer {
  const found = files.get(path);
  if (!found) throw new Error(`the archive has no ${path}, only ${[...files.keys()].join(", ")}`);
  return found;
}

/** What a client printed on standard error with --progress=rawjson: warnings, and where it failed, how and where. */
export function printedForm(text: string): Pick<Expected, "warnings" | "error" | "at" | "excerpt"> {
  const lines = text.split("\n");
  const events = lines.filter((line) => line.startsWith("{"));
  const plain = lines.filter((line) => !line.startsWith("{"));
  const warnings = events.flatMap(warningsOf);
  const failed = plain.findIndex((line) => line.startsWith("ERROR: "));
  return {
    ...(warnings.length > 0 && { warnings }),
    ...(failed >= 0 && {
      error: plain.slice(failed).join("\n").replace("ERROR: ", "").trim(),
      ...excerptOf(plain.slice(0, failed)),
    }),
  };
}

function warningsOf(event: string): string[] {
  const { warnings = [] } = JSON.parse(event) as { warnings?: { short: string }[] };
  return warnings.map(({ short }) => Buffer.from(short, "base64").toString());
}

/** `Dockerfile:3`, a ruler, the lines, a ruler; one such block a source. */
function excerptOf(plain: string[]): Pick<Expected, "at" | "excerpt"> {
  const rulers = plain.flatMap((line, at) => (/^-{20}$/.test(line) ? [at] : []));
  const [begin, end] = rulers;
  if (begin === undefined || end === undefined) return {};
  return {
    at: plain[begin - 1] ?? "",
    excerpt: plain.slice(begin + 1, end).map((line) => line.trimEnd()),
  };
}

let shownBusybox: string | undefined;

function busybox(): string {
  shownBusybox ??= shownData(readFileSync("/bin/busybox"));
  return shownBusybox;
}

/** Replaces what differs from build to build. */
export function normalised<T>(value: T, { site, folder }: { site: string; folder: string }): T {
  const text = JSON.stringify(value)
    .replaceAll(site, "SITE_ADDRESS")
    .replaceAll(folder, "FOLDER")
    // The host's own, which the base is made of.
    .replaceAll(busybox(), "BUSYBOX")
    .replaceAll(/sha256:[0-9a-f]{64}/g, "sha256:…")
    // Where the daemon mounted what a step works on.
    .replaceAll(/(?:\/[\w.-]+)+\/buildkit(?:-mount)?\d+(?=\/)/g, "")
    .replaceAll(/\bref [0-9a-z]{25}(?:::[0-9a-z]{25})?/g, "ref REF")
    // Which end of the build says it first, and the order of a set, are never the same in BuildKit.
    .replaceAll("failed to run Build function: ", "failed to solve: ")
    .replaceAll(/(lint violation found for rules: )(\w+(?:, \w+)*)/g, (_, before, rules) => {
      return before + (rules as string).split(", ").sort().join(", ");
    });
  return JSON.parse(text) as T;
}
