// What the operations of one build work with.

import type { Definition } from "../../buildkit/messages/ops_pb.ts";
import type { RegistryAuth } from "../../registry/types.ts";
import type { SnapshotBase, SnapshotId } from "../../store/types.ts";
import type { CacheMounts } from "../cache/cache-mounts.ts";
import type { Contexts } from "../cache/contexts.ts";
import type { Records } from "../cache/records.ts";
import type { Session } from "../session/sessions.ts";
import type { Views } from "../solver/views.ts";
import type { Upload } from "../sources/upload.ts";
import type { BaseImage, BuildHost, Ref, StepResources } from "../types.ts";

/** What all builds share. */
export interface Workshop {
  host: BuildHost;
  views: Views;
  records: Records;
  cacheMounts: CacheMounts;
  contexts: Contexts;
}

export interface OperationEnvironment extends Workshop {
  /** The client's; another one where a source names it. Errors: not-found. */
  session(id?: string): Promise<Session>;
  /** Credentials for a registry's host: the client's. */
  credentials(host: string): Promise<RegistryAuth | undefined>;
  /** Folders that came with the build's request, by their ids. */
  uploads: ReadonlyMap<string, Upload>;
  resources: StepResources;
  /** A graph as a part of this build; undefined: nothing (scratch). */
  solve(definition: Definition): Promise<Ref | undefined>;
  /** Called when the build has ended. */
  untilEnd(undo: () => void): void;
  materials: Materials;
  /** `network.host`, `security.insecure`: what the client allows besides the usual. */
  entitlements: ReadonlySet<string>;
}

/** What a build was made of, for its provenance. */
export interface Materials {
  image(reference: string, image: BaseImage): void;
  remote(uri: string, digest: Record<string, string>): void;
}

/** What a writable snapshot of a ref's content is made on. */
export const baseOf = (snapshot: SnapshotId | undefined): SnapshotBase | undefined =>
  snapshot === undefined ? undefined : { on: snapshot };
