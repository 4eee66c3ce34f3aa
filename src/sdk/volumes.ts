// The named volumes of a daemon (Engine API, tag Volume).
import type { Volume, VolumeCreateOptions, VolumeListResponse } from "../api/types/index.ts";
import { type Connection, encodeFilters, type Filters, segment } from "./connection.ts";
import { VolumeFiles } from "./volume-files.ts";

export class Volumes {
  /** Archives, paths and copies of volumes: of Berth's daemon alone. */
  readonly files: VolumeFiles;

  constructor(private readonly connection: Connection) {
    this.files = new VolumeFiles(connection);
  }

  list(filters?: Filters): Promise<VolumeListResponse> {
    return this.connection.json("GET", "/volumes", { query: { filters: encodeFilters(filters) } });
  }
  create(options: VolumeCreateOptions = {}): Promise<Volume> {
    return this.connection.json("POST", "/volumes/create", { json: options });
  }
  inspect(name: string): Promise<Volume> {
    return this.connection.json("GET", `/volumes/${segment(name, "volume")}`);
  }
  remove(name: string, options: { force?: boolean } = {}): Promise<void> {
    return this.connection.done("DELETE", `/volumes/${segment(name, "volume")}`, {
      query: { force: options.force },
    });
  }
  /** For volumes of a Swarm: any other daemon refuses. */
  update(name: string, version: number, spec: object): Promise<void> {
    return this.connection.done("PUT", `/volumes/${segment(name, "volume")}`, {
      query: { version },
      json: spec,
    });
  }
  prune(filters?: Filters): Promise<{ VolumesDeleted?: string[] | null; SpaceReclaimed?: number }> {
    return this.connection.json("POST", "/volumes/prune", { query: { filters: encodeFilters(filters) } });
  }
}
