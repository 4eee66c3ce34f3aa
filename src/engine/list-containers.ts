// The use cases "list" and "inspect": the containers room's records, with what networks, volumes, images and store know.
import type { ContainerInspectResponse, ContainerSummary } from "../api/types/index.ts";
import {
  type ContainerRecord,
  execIdsOf,
  type Filters,
  type Surroundings,
  selectContainers,
  startedAtOf,
  toInspect,
  toSummary,
  withStatus,
} from "../containers/index.ts";
import { canonical, parseReference, withDefaultTag } from "../oci/reference.ts";
import { appArmorProfile, selectRuntime } from "../runtime/index.ts";
import { containerFolder } from "./folders.ts";
import { linkNames, shownLinks } from "./links.ts";
import { sandboxRequest } from "./sandbox-request.ts";
import type { Engine, ListRequest } from "./types.ts";

/** Newest first. Errors: invalid, not-found (before, since). */
export async function listContainers(engine: Engine, request: ListRequest): Promise<ContainerSummary[]> {
  const summarise = (record: ContainerRecord) => summaryOf(engine, record);
  const selected = await selectContainers(
    { all: request.all, limit: request.limit ?? 0, filters: request.filters },
    {
      records: engine.containers.records,
      ancestors: (reference) => ancestors(engine, reference),
      health: (id) => engine.containers.health.of(id),
      summarise,
    },
  );
  return Promise.all(
    selected.map(async (record) => {
      const summary = summarise(record);
      if (!request.size) return summary;
      const { rw, rootFs } = await sizeOf(engine, record);
      // In Docker's order.
      const { Id, Names, Image, ImageID, ImageManifestDescriptor, Command, Created, Ports, ...rest } =
        summary;
      const head = { Id, Names, Image, ImageID, ImageManifestDescriptor, Command, Created, Ports };
      return { ...head, SizeRw: rw, SizeRootFs: rootFs, ...rest };
    }),
  );
}

/** Kept until the record is another one (a change puts a new one in its place), or what else is shown has changed. */
const summaries = new WeakMap<ContainerRecord, { revision: number; summary: ContainerSummary }>();

/** Rows of four tables go into a summary; people and programs list every second. */
function summaryOf(engine: Engine, record: ContainerRecord): ContainerSummary {
  // Its names are others' to change.
  if (engine.containers.records.linkersOf(record.id).length > 0)
    return toSummary(record, surroundings(engine, record));
  const { revision } = engine.store;
  let known = summaries.get(record);
  if (known?.revision !== revision) {
    known = { revision, summary: toSummary(record, surroundings(engine, record)) };
    summaries.set(record, known);
  }
  return withStatus(known.summary, record, engine.containers.health.of(record.id));
}

/** Errors: not-found. */
export async function inspectContainer(
  engine: Engine,
  reference: string,
  options: { size: boolean },
): Promise<ContainerInspectResponse> {
  const record = engine.containers.find(reference);
  return toInspect(record, {
    ...surroundings(engine, record),
    folder: filesFolder(engine, record),
    links: shownLinks(engine, record),
    execIds: execIdsOf(engine.containers, record.id),
    ...(options.size && { size: await sizeOf(engine, record) }),
    defaultUlimits: Object.values(engine.config.defaultUlimits),
    defaultRuntime: defaultRuntimeName(engine),
    appArmorProfile: appArmorProfile(record.hostConfig, engine.environment),
  });
}

/** Who shares a network shares the files that name its hosts; those of an owner that is gone, too. */
function filesFolder({ environment }: Engine, { id, hostConfig }: ContainerRecord): string {
  const [kind, owner] = (hostConfig.NetworkMode ?? "").split(":");
  return containerFolder(environment, kind === "container" && owner ? (owner as ContainerRecord["id"]) : id);
}

function defaultRuntimeName({ config, environment }: Engine): string {
  try {
    return selectRuntime({ defaultRuntime: config.defaultRuntime, runtimes: config.runtimes, environment })
      .name;
  } catch {
    return config.defaultRuntime; // none is installed
  }
}

function surroundings(engine: Engine, record: ContainerRecord): Surroundings {
  const network = engine.networks.status(record.id);
  return {
    network:
      network ??
      engine.networks.idle(sandboxRequest(record), { started: startedAtOf(record.state) !== undefined }),
    live: network !== undefined,
    volumeFolder: (name) => {
      try {
        return engine.volumes.mountpoint(name);
      } catch {
        return ""; // removed by force while the container has it
      }
    },
    imageName: imageName(engine, record),
    linkNames: linkNames(engine, record.id),
    health: engine.containers.health.of(record.id),
  };
}

/** As the user wrote it, while that still means the container's image; else the image's id. */
function imageName({ store }: Engine, { imageName, imageId }: ContainerRecord): string {
  if (imageId.includes(imageName.replace(/^sha256:/, ""))) return imageName; // an id, or the beginning of one
  try {
    const name = canonical(withDefaultTag(parseReference(imageName)));
    if (imageName.includes("@")) return imageName;
    return store.images.get(name)?.target.digest === imageId ? imageName : imageId;
  } catch {
    return imageName;
  }
}

/** The id of the image; of one that isn't here: none, so that nothing matches. */
async function ancestors(engine: Engine, reference: string): Promise<ReadonlySet<string>> {
  try {
    return new Set([(await engine.images.resolve(reference)).id]);
  } catch {
    return new Set();
  }
}

/** Bytes of the container's own files, and with those of the layers below. */
export async function sizeOf(
  { store }: Engine,
  { snapshot }: ContainerRecord,
): Promise<{ rw: number; rootFs: number }> {
  const rw = (await store.snapshots.usage(snapshot)).size;
  let rootFs = rw;
  for (let below = store.snapshots.parentOf(snapshot); below; below = store.snapshots.parentOf(below))
    rootFs += (await store.snapshots.usage(below)).size;
  return { rw, rootFs };
}

export type { Filters };
