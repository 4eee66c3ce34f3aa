// What an exporter is given and answers with.
import type { LeaseId } from "../../store/types.ts";
import type { Session } from "../session/sessions.ts";
import type { Progress } from "../solver/progress.ts";
import type { BuildHost, ExportedPlatform, ExporterResponse } from "../types.ts";

export interface ExportInput {
  platforms: ExportedPlatform[];
  /** The frontend's remarks on the whole. */
  metadata: ReadonlyMap<string, Uint8Array>;
  /** Its number among the build's exporters: what a client's output is asked by. */
  number: number;
  session(): Promise<Session>;
  lease: LeaseId;
  signal: AbortSignal;
}

export interface ExportContext {
  host: BuildHost;
  progress: Progress;
}

export interface Exporter {
  /** As progress shows it: "exporting to image". */
  title: string;
  export(input: ExportInput, steps: ExportSteps): Promise<ExporterResponse>;
}

/** Parts of an export, each shown while it goes on: "exporting layers", "naming to docker.io/library/x:latest". */
export interface ExportSteps {
  step<T>(name: string, work: () => Promise<T>): Promise<T>;
}
