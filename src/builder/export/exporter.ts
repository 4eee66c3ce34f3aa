// What an exporter is given and answers with.
import { formatPlatformWithVersion, normalizePlatform } from "../../oci/platform.ts";
import type { LeaseId } from "../../store/types.ts";
import type { Session } from "../session/sessions.ts";
import type { ExportedPlatform, ExporterResponse } from "../types.ts";

export interface ExportInput {
  platforms: ExportedPlatform[];
  /** The frontend's remarks on the whole. */
  metadata: ReadonlyMap<string, Uint8Array>;
  /** Its number among the build's exporters: what a client's output is asked by. */
  number: number;
  session(): Promise<Session>;
  lease: LeaseId;
  signal: AbortSignal;
  /** What a platform's config carries of the cache (`--cache-to type=inline`). */
  inlineCache?(platform: string): Promise<Uint8Array | undefined>;
}

/** Whether platforms were asked for by name: one alone is an index of one then. */
export const isMultiPlatform = (platforms: readonly ExportedPlatform[]): boolean =>
  platforms.length > 1 || Boolean(platforms[0]?.id);

/** `linux/amd64`, also where nobody named it. */
export const platformText = ({ id, platform }: ExportedPlatform): string =>
  id || formatPlatformWithVersion(normalizePlatform(platform));

export interface Exporter {
  /** As progress shows it: "exporting to image". */
  title: string;
  export(input: ExportInput, steps: ExportSteps): Promise<ExporterResponse>;
}

/** Parts of an export, each shown while it goes on: "exporting layers", "naming to docker.io/library/x:latest". */
export interface ExportSteps {
  step<T>(name: string, work: (part: ExportPart) => Promise<T>): Promise<T>;
}

/** How far a part is. */
export type ExportPart = (state: { name?: string; current?: number; total?: number }) => void;
