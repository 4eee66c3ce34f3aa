// The use case "create a container": everything that can be refused is refused first; then snapshot, volumes and row are
// made in this order, and undone in reverse when one of them fails. A killed daemon leaves at most a snapshot and volumes
// that no row names, which the next start takes away (recovery.ts).
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import type {
  ContainerConfig,
  ContainerCreateResponse,
  HostConfig,
  NetworkingConfig,
} from "../api/types/index.ts";
import { invalid, messageOf } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import {
  type ContainerId,
  type ContainerRecord,
  checkName,
  makeName,
  now,
  recordCreated,
  refuseTakenName,
} from "../containers/index.ts";
import type { ResolvedImage } from "../images/types.ts";
import { formatPlatform, hostPlatform, parsePlatform, runsOn } from "../oci/platform.ts";
import { mergeImageConfig, validateHostConfig } from "../runtime/index.ts";
import { parseVolumesFrom } from "../volumes/index.ts";
import type { ResolvedMount } from "../volumes/types.ts";
import { containerFolder } from "./folders.ts";
import { needsOf, resolveImageMounts } from "./image-mounts.ts";
import { resolveLinks } from "./links.ts";
import { withLogDefaults } from "./log-config.ts";
import { fillVolumes } from "./rootfs.ts";
import { sandboxRequest } from "./sandbox-request.ts";
import type { CreateRequest, Engine } from "./types.ts";

/** What holds a snapshot until the row does; a starting daemon closes those of the one before it. */
export const CREATE_LEASE = "create a container";

/** Errors: invalid, not-found ("No such image: X"), conflict (the name); in Docker's words. */
export async function createContainer(
  engine: Engine,
  request: CreateRequest,
): Promise<ContainerCreateResponse> {
  if (!request.config || Object.keys(request.config).length === 0)
    throw invalid("config cannot be empty in order to create a container");
  const asked = namedByIds(engine, withDefaults(engine, request.hostConfig ?? {}));
  const { hostConfig, warnings } = validateHostConfig(
    request.config,
    asked,
    engine.environment,
    engine.runtimeDefaults,
  );
  const links = resolveLinks(engine, hostConfig);
  const platform = request.platform ? parsePlatform(request.platform) : undefined;
  const found = await engine.images.resolve(request.config.Image ?? "", platform);
  if (!platform) warnings.push(...platformWarnings(found));
  const id = randomBytes(32).toString("hex") as ContainerId;
  const config = withHostname(
    engine,
    mergeImageConfig(request.config, found.config.config ?? {}),
    hostConfig,
    id,
  );
  const name = chooseName(engine, request.name ?? "", id);
  const mounts = engine.volumes.plan({
    binds: hostConfig.Binds ?? [],
    mounts: hostConfig.Mounts ?? [],
    tmpfs: hostConfig.Tmpfs ?? {},
    imageVolumes: Object.keys(config.Volumes ?? {}),
    inherited: inheritedMounts(engine, hostConfig.VolumesFrom ?? []),
    ...(hostConfig.VolumeDriver && { volumeDriver: hostConfig.VolumeDriver }),
  });
  const networking = underItsName(request.networkingConfig, hostConfig);
  engine.networks.check(sandboxRequest({ id, name, config, hostConfig, networking }));
  const image = await engine.images.ensureUnpacked(found);
  const resolved = await resolveImageMounts(engine, mounts, platform);
  const draft = { id, name, config, hostConfig, networking, ...(links.length > 0 && { links }) };
  await make(engine, draft, { image, asked: request.config.Image ?? "", mounts: resolved });
  return { Id: id, Warnings: warnings };
}

type Draft = Pick<ContainerRecord, "id" | "name" | "config" | "hostConfig" | "networking" | "links">;

async function make(
  engine: Engine,
  draft: Draft,
  { image, asked, mounts }: { image: ResolvedImage; asked: string; mounts: ResolvedMount[] },
): Promise<void> {
  const { store, volumes, containers } = engine;
  const { id } = draft;
  await using undo = new AsyncDisposableStack();
  // Long enough for a copy of the image's files on a slow disk, short enough that a killed daemon's is soon gone.
  const lease = store.leases.open(CREATE_LEASE, 600);
  using _lease = { [Symbol.dispose]: () => store.leases.close(lease) };
  const needs = needsOf(mounts);
  for (const layer of needs.snapshots) store.leases.hold(lease, { snapshot: layer });
  const snapshot = await store.snapshots.createActive(image.chain, lease);
  undo.defer(() => store.snapshots.remove(snapshot));
  failpoint("create.snapshot-prepared");
  undo.defer(() => volumes.release(id, { removeAnonymous: true }));
  const acquired = await volumes.acquire(id, mounts);
  await fillVolumes(engine, { id, snapshot, mounts: acquired });
  failpoint("create.volumes-filled");
  const command = [...(draft.config.Entrypoint ?? []), ...(draft.config.Cmd ?? [])];
  const record: ContainerRecord = {
    ...draft,
    createdAt: now(),
    state: { status: "created" },
    imageName: asked,
    imageId: image.id,
    manifest: image.manifestDescriptor.digest,
    manifestDescriptor: {
      ...image.manifestDescriptor,
      platform: image.manifestDescriptor.platform ?? {
        architecture: image.platform.architecture,
        os: image.platform.os,
        ...(image.platform.variant && { variant: image.platform.variant }),
      },
    },
    platform: image.platform,
    mounts: acquired,
    snapshot,
    path: command[0] ?? "",
    args: command.slice(1),
    restartCount: 0,
    stoppedByUser: false,
    runtime: draft.hostConfig.Runtime ?? engine.config.defaultRuntime,
    logPath: join(containerFolder(engine.environment, id), `${id}-json.log`),
  };
  // Looked at again in the same turn as the row is written: another create may have taken the name meanwhile.
  refuseTakenName(containers.records, draft.name);
  recordCreated(containers, record, () =>
    store.roots.set(
      { kind: "container", id },
      {
        digests: [image.id, record.manifest, ...needs.digests],
        snapshots: [snapshot, ...needs.snapshots],
      },
    ),
  );
  undo.move();
  failpoint("create.row-written");
}

/** What Docker's daemon fills in before it looks at the rest. */
function withDefaults(engine: Engine, asked: HostConfig): HostConfig {
  return {
    ...asked,
    RestartPolicy: {
      Name: asked.RestartPolicy?.Name || "no",
      MaximumRetryCount: asked.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    NetworkMode: isDefault(asked.NetworkMode) ? defaultNetwork(engine) : asked.NetworkMode,
    LogConfig: withLogDefaults(asked.LogConfig, engine.config),
  };
}

/** Clients name the endpoint of the default network `default`, as its mode; the mode has the network's own name by now. */
function underItsName(
  asked: NetworkingConfig | undefined,
  { NetworkMode: mode }: HostConfig,
): NetworkingConfig {
  const { default: settings, ...endpoints } = asked?.EndpointsConfig ?? {};
  if (!settings || !mode || mode === "default") return asked ?? {};
  return { ...asked, EndpointsConfig: { ...endpoints, [mode]: endpoints[mode] ?? settings } };
}

/** `container:NAME` becomes `container:ID`, so that a later rename changes nothing. Errors: invalid. */
function namedByIds(engine: Engine, hostConfig: HostConfig): HostConfig {
  const byId = (mode: string | undefined, what = "") =>
    mode?.startsWith("container:") && mode !== "container:"
      ? `container:${other(engine, mode.slice(10), what).id}`
      : mode;
  return {
    ...hostConfig,
    NetworkMode: byId(hostConfig.NetworkMode, "joining network namespace of container: "),
    ...(hostConfig.IpcMode && { IpcMode: byId(hostConfig.IpcMode) }),
    ...(hostConfig.PidMode && { PidMode: byId(hostConfig.PidMode) }),
  };
}

/** Another container that a request names. Not the 404 of a missing image, which clients answer by a pull. Errors: invalid. */
function other({ containers }: Engine, reference: string, what = ""): ContainerRecord {
  try {
    return containers.find(reference);
  } catch (error) {
    throw invalid(`${what}${messageOf(error)}`, error);
  }
}

function chooseName(engine: Engine, asked: string, id: string): string {
  const { records } = engine.containers;
  if (asked === "") return makeName((name) => records.named(name) !== undefined, id);
  const name = checkName(asked);
  refuseTakenName(records, name);
  return name;
}

/** The short id; on the host's network the host's own name, in another container's the other's. */
function withHostname(
  engine: Engine,
  config: ContainerConfig,
  { NetworkMode: mode = "" }: HostConfig,
  id: string,
): ContainerConfig {
  if (mode.startsWith("container:")) {
    const { Hostname, Domainname } = engine.containers.find(mode.slice("container:".length)).config;
    return { ...config, Hostname, Domainname };
  }
  if (config.Hostname) return config;
  return { ...config, Hostname: mode === "host" ? hostname() : id.slice(0, 12) };
}

/** `--volumes-from NAME[:ro]`. Errors: not-found, invalid. */
function inheritedMounts(engine: Engine, from: string[]): ResolvedMount[] {
  return from.flatMap((text) => {
    const { container, readOnly } = parseVolumesFrom(text);
    return other(engine, container).mounts.map((mount) => ({
      ...mount,
      copyUp: false,
      mode: "", // as Docker shows it: what the other was asked for says nothing of this one
      readOnly: mount.readOnly || readOnly,
    }));
  });
}

function platformWarnings(image: ResolvedImage): string[] {
  const host = hostPlatform();
  if (runsOn(host).rank(image.platform) !== undefined) return [];
  return [
    `The requested image's platform (${formatPlatform(image.platform)}) does not match the detected host platform (${formatPlatform(host)}) and no specific platform was requested`,
  ];
}

const isDefault = (mode: string | undefined) => mode === undefined || mode === "" || mode === "default";
/** Docker shows what "default" means here, not the word. */
const defaultNetwork = ({ config }: Engine) => (config.bridge === "none" ? "none" : "bridge");
