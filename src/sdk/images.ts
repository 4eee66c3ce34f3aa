// The images of a daemon and their way from and to registries and archives (Engine API, tags Image and Distribution).
import type {
  AuthConfig,
  ContainerConfig,
  CreateImageInfo,
  DistributionInspect,
  ImageDeleteResponseItem,
  ImageInspect,
  ImageSummary,
  OCIPlatform,
} from "../api/types/index.ts";
import { type Connection, encodeFilters, type Filters, segment } from "./connection.ts";

/** One line of what pull, push, load and import report as they go. */
export interface ProgressMessage extends CreateImageInfo {
  stream?: string;
  aux?: Record<string, unknown>;
}

export interface HistoryEntry {
  Id: string;
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  Size: number;
  Comment: string;
}

/** Credentials of one registry. An identity token goes in the place of a password. */
export type RegistryAuth = AuthConfig & { identitytoken?: string; registrytoken?: string };

/** The header X-Registry-Auth: base64url of JSON. */
export function encodeAuth(auth: RegistryAuth | undefined): Record<string, string> {
  // The `=` stay: old daemons decode with padding (moby api/types/registry EncodeAuthConfig).
  const json = JSON.stringify(auth ?? {});
  return {
    "X-Registry-Auth": Buffer.from(json).toString("base64").replaceAll("+", "-").replaceAll("/", "_"),
  };
}

/** An image's name in a path keeps its slashes, as Docker's client sends it. */
export function imagePath(name: string): string {
  return name
    .split("/")
    .map((part) => segment(part, "image"))
    .join("/")
    .replaceAll("%3A", ":")
    .replaceAll("%40", "@");
}

export class Images {
  constructor(private readonly connection: Connection) {}

  async list(
    options: {
      all?: boolean;
      filters?: Filters;
      digests?: boolean;
      sharedSize?: boolean;
      manifests?: boolean;
    } = {},
  ): Promise<ImageSummary[]> {
    const manifests = options.manifests && (await this.connection.supports("1.47"));
    return this.connection.json("GET", "/images/json", {
      query: {
        all: options.all,
        filters: encodeFilters(options.filters),
        digests: options.digests,
        "shared-size": options.sharedSize,
        manifests,
      },
    });
  }

  inspect(
    name: string,
    options: { platform?: OCIPlatform; manifests?: boolean } = {},
  ): Promise<ImageInspect> {
    return this.connection.json("GET", `/images/${imagePath(name)}/json`, {
      query: {
        platform: options.platform ? JSON.stringify(options.platform) : undefined,
        manifests: options.manifests,
      },
    });
  }

  history(name: string, options: { platform?: OCIPlatform } = {}): Promise<HistoryEntry[]> {
    return this.connection.json("GET", `/images/${imagePath(name)}/history`, {
      query: { platform: options.platform ? JSON.stringify(options.platform) : undefined },
    });
  }

  /** Pulls `fromImage`; iterate the messages to the end: an error comes as a message with `error`. */
  pull(options: {
    fromImage: string;
    tag?: string;
    platform?: string;
    auth?: RegistryAuth;
    /** False: never the hello-world and busybox that come with Berth. Other daemons don't know it. */
    builtIn?: boolean;
    signal?: AbortSignal;
  }): Promise<AsyncGenerator<ProgressMessage>> {
    const builtIn = options.builtIn === false ? "0" : undefined;
    return this.connection.lines("POST", "/images/create", {
      query: { fromImage: options.fromImage, tag: options.tag, platform: options.platform, builtIn },
      headers: encodeAuth(options.auth),
      signal: options.signal,
    });
  }

  /** Makes an image of one layer from a tar archive (the body, or a URL that the daemon fetches). */
  import(options: {
    source: string;
    body?: ReadableStream<Uint8Array> | Blob;
    repo?: string;
    tag?: string;
    message?: string;
    changes?: string[];
    platform?: string;
  }): Promise<AsyncGenerator<ProgressMessage>> {
    return this.connection.lines("POST", "/images/create", {
      query: {
        fromSrc: options.source,
        repo: options.repo,
        tag: options.tag,
        message: options.message,
        changes: options.changes,
        platform: options.platform,
      },
      body: options.body,
    });
  }

  push(
    name: string,
    options: { tag?: string; auth?: RegistryAuth; platform?: OCIPlatform; signal?: AbortSignal } = {},
  ): Promise<AsyncGenerator<ProgressMessage>> {
    return this.connection.lines("POST", `/images/${imagePath(name)}/push`, {
      query: { tag: options.tag, platform: options.platform ? JSON.stringify(options.platform) : undefined },
      headers: encodeAuth(options.auth),
      signal: options.signal,
    });
  }

  tag(name: string, repo: string, tag?: string): Promise<void> {
    return this.connection.done("POST", `/images/${imagePath(name)}/tag`, { query: { repo, tag } });
  }

  remove(
    name: string,
    options: { force?: boolean; noPrune?: boolean; platforms?: OCIPlatform[] } = {},
  ): Promise<ImageDeleteResponseItem[]> {
    return this.connection.json("DELETE", `/images/${imagePath(name)}`, {
      query: {
        force: options.force,
        noprune: options.noPrune,
        platforms: options.platforms?.map((platform) => JSON.stringify(platform)),
      },
    });
  }

  /** Images with their layers as a tar archive, in the layout of `docker save`. */
  save(
    names: string[],
    options: { platforms?: OCIPlatform[]; signal?: AbortSignal } = {},
  ): Promise<AsyncGenerator<Uint8Array>> {
    return this.connection.bytes("GET", "/images/get", {
      query: { names, platform: options.platforms?.map((platform) => JSON.stringify(platform)) },
      signal: options.signal,
    });
  }

  load(
    body: ReadableStream<Uint8Array> | Blob,
    options: { quiet?: boolean; platforms?: OCIPlatform[]; signal?: AbortSignal } = {},
  ): Promise<AsyncGenerator<ProgressMessage>> {
    return this.connection.lines("POST", "/images/load", {
      query: {
        quiet: options.quiet ? "1" : "0",
        platform: options.platforms?.map((platform) => JSON.stringify(platform)),
      },
      body,
      signal: options.signal,
    });
  }

  /** Makes an image of a container's changes. */
  async commit(
    container: string,
    options: {
      repo?: string;
      tag?: string;
      comment?: string;
      author?: string;
      pause?: boolean;
      changes?: string[];
      config?: ContainerConfig;
    } = {},
  ): Promise<string> {
    const { Id } = await this.connection.json<{ Id: string }>("POST", "/commit", {
      query: {
        container,
        repo: options.repo,
        tag: options.tag,
        comment: options.comment,
        author: options.author,
        pause: options.pause === false ? "0" : "1",
        changes: options.changes,
      },
      // null leaves the container's config as it is; {} would be a config without anything.
      json: options.config ?? null,
    });
    return Id;
  }

  prune(
    filters?: Filters,
  ): Promise<{ ImagesDeleted?: ImageDeleteResponseItem[] | null; SpaceReclaimed?: number }> {
    return this.connection.json("POST", "/images/prune", { query: { filters: encodeFilters(filters) } });
  }

  search(
    term: string,
    options: { limit?: number; filters?: Filters } = {},
  ): Promise<Record<string, unknown>[]> {
    return this.connection.json("GET", "/images/search", {
      query: { term, limit: options.limit, filters: encodeFilters(options.filters) },
    });
  }

  /** What a registry holds under a name, asked through the daemon. */
  distribution(name: string, auth?: RegistryAuth): Promise<DistributionInspect> {
    return this.connection.json("GET", `/distribution/${imagePath(name)}/json`, {
      headers: encodeAuth(auth),
    });
  }
}
