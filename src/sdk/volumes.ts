// The named volumes of a daemon (Engine API, tag Volume).
import type { Volume, VolumeCreateOptions, VolumeListResponse } from "../api/types/index.ts";
import { type Connection, encodeFilters, type Filters, segment } from "./connection.ts";

export class Volumes {
  constructor(private readonly connection: Connection) {}

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
  prune(filters?: Filters): Promise<{ VolumesDeleted?: string[] | null; SpaceReclaimed?: number }> {
    return this.connection.json("POST", "/volumes/prune", { query: { filters: encodeFilters(filters) } });
  }
}
