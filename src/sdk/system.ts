// The daemon itself: version, host, disk usage, events (Engine API, tag System).
import type {
  BuildCache,
  ContainerSummary,
  EventMessage,
  ImageSummary,
  SystemInfo,
  SystemVersion,
  Volume,
} from "../api/types/index.ts";
import { type Connection, encodeFilters, type Filters, type Ping } from "./connection.ts";
import type { RegistryAuth } from "./images.ts";
import { textLines } from "./streams.ts";

export interface DiskUsage {
  LayersSize?: number;
  Images?: ImageSummary[] | null;
  Containers?: ContainerSummary[] | null;
  Volumes?: Volume[] | null;
  BuildCache?: BuildCache[] | null;
}

export class System {
  constructor(private readonly connection: Connection) {}

  ping(): Promise<Ping> {
    return this.connection.ping();
  }
  version(): Promise<SystemVersion> {
    return this.connection.json("GET", "/version");
  }
  info(): Promise<SystemInfo> {
    return this.connection.json("GET", "/info");
  }
  diskUsage(types?: ("container" | "image" | "volume" | "build-cache")[]): Promise<DiskUsage> {
    return this.connection.json("GET", "/system/df", { query: { type: types } });
  }
  /** What happens on the daemon from now on, or since and until the given times (seconds since 1970, as text). */
  events(
    options: { since?: string; until?: string; filters?: Filters; signal?: AbortSignal } = {},
  ): Promise<AsyncGenerator<EventMessage>> {
    return this.connection.lines("GET", "/events", {
      query: { since: options.since, until: options.until, filters: encodeFilters(options.filters) },
      signal: options.signal,
    });
  }
  /** The same as lines of JSON, with all digits of their times (a JavaScript number has room for fewer). */
  async eventLines(
    options: { since?: string; until?: string; filters?: Filters; signal?: AbortSignal } = {},
  ): Promise<AsyncGenerator<string>> {
    const { since, until, filters, signal } = options;
    const query = { since, until, filters: encodeFilters(filters) };
    return textLines(await this.connection.bytes("GET", "/events", { query, signal }));
  }
  /** Asks a registry whether it takes the credentials; an identity token comes back where it gives one. */
  login(auth: RegistryAuth): Promise<{ Status?: string; IdentityToken?: string }> {
    return this.connection.json("POST", "/auth", { json: auth });
  }
  pruneBuildCache(
    filters?: Filters,
    options: { all?: boolean } = {},
  ): Promise<{ CachesDeleted?: string[] | null; SpaceReclaimed?: number }> {
    return this.connection.json("POST", "/build/prune", {
      query: { filters: encodeFilters(filters), all: options.all },
    });
  }
}
