// `imagetools create`: finds the sources, makes one image or index of them, and pushes it with what it names. Facts: buildx,
// commands/imagetools/create.go.
import { readFileSync } from "node:fs";
import {
  canonical,
  parseReference,
  type Reference,
  repositoryOf,
  withDefaultTag,
  withDigest,
} from "../../oci/reference.ts";
import type { Descriptor } from "../../oci/types.ts";
import type { BuildEvent } from "../../sdk/index.ts";
import { clock } from "../build-progress/display.ts";
import { progressMode, type ShownProgress, showBuild } from "../build-progress/show.ts";
import { builderName } from "../builder-name.ts";
import type { Session } from "../session.ts";
import { type Combined, combine, onlyPlatforms, type Source } from "./combine.ts";
import { type RegistryAccess, registryAccess } from "./registry.ts";
import {
  type GivenSource,
  mergeDescriptor,
  parseAnnotations,
  parsePlatforms,
  parseSource,
} from "./sources.ts";

export interface CreateRequest {
  sources: string[];
  files: string[];
  tags: string[];
  annotations: string[];
  platforms: string[];
  append: boolean;
  dryRun: boolean;
  preferIndex: boolean;
  progress: string;
  builder: string;
}

/** Throws in buildx's words. */
export async function createImage(session: Session, request: CreateRequest): Promise<void> {
  const { dryRun, preferIndex } = request;
  if (request.sources.length === 0 && request.files.length === 0) throw new Error("no sources specified");
  if (!dryRun && request.tags.length === 0)
    throw new Error("can't push with no tags specified, please set --tag or --dry-run");
  const texts = [...request.files.map(readDescriptor), ...request.sources];
  const tags = request.tags.map(parseReference);
  const [existing] = request.tags;
  if (request.append && existing !== undefined) texts.unshift(existing);
  const given = texts.map(parseSource);
  const platforms = parsePlatforms(request.platforms);
  const places = withPlaces(given, texts, tags);
  const builder = await builderName(session, request.builder);
  const registry = await registryAccess(session);
  const sources = await Promise.all(places.map((one) => find(one, registry)));
  const annotations = parseAnnotations(request.annotations);
  const combined = onlyPlatforms(await combine(sources, { annotations, preferIndex, registry }), platforms);
  if (dryRun) return await session.out.write(Buffer.concat([combined.bytes, Buffer.from("\n")]));
  const progress = await showBuild({
    mode: progressMode(request.progress, false),
    builder,
    isPast: true,
  });
  try {
    await pushAll(combined, tags, registry, progress);
  } finally {
    progress.end();
  }
}

function readDescriptor(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const { code = "" } = cause as NodeJS.ErrnoException;
    if (code === "EISDIR") throw new Error(`read ${path}: is a directory`, { cause });
    const words: Record<string, string> = {
      ENOENT: "no such file or directory",
      EACCES: "permission denied",
    };
    throw new Error(`open ${path}: ${words[code] ?? code}`, { cause });
  }
}

type Placed = GivenSource & { reference: Reference };

/** Sources without a repository are in that of the others, where those are of one. */
function withPlaces(given: GivenSource[], texts: string[], tags: Reference[]): Placed[] {
  const named = [...given.flatMap(({ reference }) => (reference ? [reference] : [])), ...tags];
  const [repository] = named;
  if (!repository) throw new Error("no repositories specified, please set a reference in tag or source");
  const isOne = new Set(named.map(repositoryOf)).size === 1;
  return given.map(({ reference, descriptor }, at) => {
    if (reference) return { reference, descriptor };
    if (!isOne)
      throw new Error(
        `multiple repositories specified, cannot infer repository for ${JSON.stringify(texts[at])}`,
      );
    const { digest } = descriptor;
    return { descriptor, reference: digest ? withDigest(repository, digest) : repository };
  });
}

async function find({ reference, descriptor: said }: Placed, registry: RegistryAccess): Promise<Source> {
  const { bytes, mediaType, digest } = await registry.manifest(reference);
  const found = { mediaType, digest, size: bytes.length } as Descriptor;
  return { reference, bytes, descriptor: mergeDescriptor(found, said) };
}

/** All tags side by side; the first failure is thrown when all have ended. */
async function pushAll(
  combined: Combined,
  tags: Reference[],
  registry: RegistryAccess,
  progress: ShownProgress,
): Promise<void> {
  const pushes = tags.map((tag) =>
    shown(progress, `[internal] pushing ${canonical(tag)}`, (say) => push(combined, tag, registry, say)),
  );
  const failed = (await Promise.allSettled(pushes)).find(({ status }) => status === "rejected");
  if (failed) throw (failed as PromiseRejectedResult).reason;
}

async function push(
  { bytes, descriptor, parts }: Combined,
  tag: Reference,
  registry: RegistryAccess,
  say: (line: string) => void,
): Promise<void> {
  const to = canonical(tag);
  const copies = parts.map(({ descriptor: { digest }, source: { reference } }) => {
    say(`copying ${digest} from ${canonical(reference)} to ${to}`);
    return registry.copy(reference, digest, tag);
  });
  const failed = (await Promise.allSettled(copies)).find(({ status }) => status === "rejected");
  if (failed) throw (failed as PromiseRejectedResult).reason;
  say(`pushing ${descriptor.digest} to ${to}`);
  const place = tag.tag || !tag.digest ? withDefaultTag({ ...tag, digest: undefined }) : undefined;
  await registry.put(place ?? withDigest(tag, descriptor.digest), descriptor.mediaType, bytes);
}

/** A step of the display. */
async function shown(
  progress: ShownProgress,
  name: string,
  work: (say: (line: string) => void) => Promise<void>,
): Promise<void> {
  const digest = `sha256:${new Bun.CryptoHasher("sha256").update(crypto.randomUUID()).digest("hex")}`;
  const vertex = { digest, inputs: [], name, started: clock(), cached: false, error: "" };
  const tell = (part: Partial<BuildEvent>) =>
    progress.event({ vertexes: [], statuses: [], logs: [], warnings: [], ...part });
  const say = (line: string) => {
    const data = Buffer.from(`${line}\n`);
    tell({ logs: [{ vertex: digest, stream: 1, data, timestamp: clock() }] });
  };
  tell({ vertexes: [vertex] });
  try {
    await work(say);
    tell({ vertexes: [{ ...vertex, completed: clock() }] });
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown.message : String(thrown);
    tell({ vertexes: [{ ...vertex, completed: clock(), error }] });
    throw thrown;
  }
}
