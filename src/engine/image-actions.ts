// The images room's verbs as the API calls them. Those that only pass on are here too, so that a use case that comes to cross
// rooms later changes nothing for its callers.
import { invalid, messageOf, unavailable } from "../base/errors.ts";
import { type ContainerRecord, isRunning } from "../containers/index.ts";
import { type ImageUser, pruneImages as prune } from "../images/index.ts";
import type { Images } from "../images/types.ts";
import type { Digest } from "../oci/digest.ts";
import type { Engine, Filters } from "./types.ts";

/** The containers of an image, by its id or by the manifest of a platform. */
export function imageUsers({ containers }: Engine, id: Digest): ImageUser[] {
  return containers
    .all()
    .filter((record) => record.imageId === id || record.manifest === id)
    .map(toUser);
}

const toUser = (record: ContainerRecord): ImageUser => ({
  containerId: record.id,
  running: isRunning(record.state),
});

export async function pullImage(
  engine: Engine,
  reference: string,
  options: Parameters<Images["pull"]>[1],
): Promise<void> {
  await engine.images.pull(reference, options);
}

export const pushImage = (
  engine: Engine,
  reference: string,
  options: Parameters<Images["push"]>[1],
): Promise<void> => engine.images.push(reference, options);

export const tagImage = (engine: Engine, source: string, target: string): Promise<void> =>
  engine.images.tag(source, target);

export const loadImages = (
  engine: Engine,
  archive: AsyncIterable<Uint8Array>,
  options: Parameters<Images["load"]>[1],
): Promise<void> => engine.images.load(archive, options);

export const saveImages = (
  engine: Engine,
  references: string[],
  options: Parameters<Images["save"]>[1],
): AsyncIterable<Uint8Array> => engine.images.save(references, options);

export const importImage = (
  engine: Engine,
  archive: AsyncIterable<Uint8Array>,
  options: Parameters<Images["import"]>[1],
): Promise<Digest> => engine.images.import(archive, options);

/** An archive that `import` is to fetch itself. Errors: invalid (no http address), unavailable. */
export async function* downloadArchive(source: string): AsyncGenerator<Uint8Array> {
  const address = /^[a-z]+:\/\//i.test(source) ? source : `http://${source}`;
  if (!/^https?:/i.test(address) || !URL.canParse(address)) throw invalid(`invalid source: ${source}`);
  const response = await fetch(address).catch((error: unknown) => {
    throw unavailable(`cannot download ${source}: ${messageOf(error)}`, error);
  });
  if (!response.ok || !response.body)
    throw unavailable(`Got HTTP status code >= 400: ${response.status} ${response.statusText}`);
  yield* response.body;
}

export function removeImage(
  engine: Engine,
  reference: string,
  options: Omit<Parameters<Images["remove"]>[1], "inUse">,
): Promise<({ Untagged: string } | { Deleted: string })[]> {
  return engine.images.remove(reference, { ...options, inUse: (id) => imageUsers(engine, id) });
}

export function pruneImages(
  engine: Engine,
  filters: Filters,
): Promise<{ ImagesDeleted: ({ Untagged: string } | { Deleted: string })[]; SpaceReclaimed: number }> {
  return prune(engine, { filters, inUse: (id) => imageUsers(engine, id) });
}
