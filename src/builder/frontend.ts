// What a frontend is given, and what it answers with. A frontend knows graphs, not how they are solved.
import type { Definition, SourceInfo } from "../buildkit/messages/ops_pb.ts";
import type { Digest } from "../oci/digest.ts";
import type { Platform } from "../oci/types.ts";

/** One build's request to its frontend. */
export interface FrontendRequest {
  /** `filename`, `target`, `build-arg:NAME`, `context`, `platform`…, as clients name them. */
  options: ReadonlyMap<string, string>;
  /** Graphs given in place of local folders: `context`, `dockerfile`, … */
  inputs: ReadonlyMap<string, Definition>;
  /** The client's session: part of what names a local source. */
  session: string;
  bridge: FrontendBridge;
}

/** What a frontend may ask while it makes its graph. */
export interface FrontendBridge {
  /** The host's own platform, and those that it runs by emulation. */
  readonly platforms: readonly Platform[];
  resolveImage(reference: string, options: ResolveImageOptions): Promise<ResolvedConfig>;
  /** Solves a part now; the tree can be read until the build ends. */
  solve(definition: Definition): Promise<ReadableTree>;
  /** The same of a client's folder, without a word in the progress and without files of more bytes than that. */
  peek(definition: Definition, largest: number): Promise<ReadableTree>;
  warn(warning: FrontendWarning): void;
}

export interface ResolveImageOptions {
  platform: Platform;
  mode: "local" | "default" | "pull";
  /** The step's name while it is asked: `[internal] load metadata for docker.io/library/x:y`. */
  name: string;
  /** For `oci-layout://`: the session and the store of the client's that hold it. */
  layout?: { session: string; store: string };
}

export interface ResolvedConfig {
  /** Of what the name leads to; a frontend pins the source to it. */
  digest: Digest;
  /** The image's config, as it is stored. */
  config: Uint8Array;
  /** The name, perhaps another one by a source policy. */
  reference: string;
}

/** A solved tree. Paths are inside it; links are followed within. */
export interface ReadableTree {
  /**
   * All of a file, or its first bytes. Errors: not-found and invalid, in BuildKit's words (`open /x: no such file or directory`,
   * `read /x: is a directory`); invalid too for more than anybody should read at once.
   */
  readFile(path: string, first?: number): Promise<Uint8Array>;
  /** Names in a folder, with a slash behind those of folders. */
  readFolder(path: string): Promise<string[]>;
}

/** A remark on what the person wrote, shown with its place. */
export interface FrontendWarning {
  /** Of the vertex it is of; undefined: of the frontend's own. */
  vertex?: Digest;
  level: number;
  short: string;
  detail: string[];
  url: string;
  source?: SourceInfo;
  ranges: { start: number; end: number }[];
}

/** A graph for each platform, and what exporters have to know. */
export interface FrontendAnswer {
  /** By the platform's text (`linux/amd64`); "" where there is one and nobody named it. Undefined graph: scratch. */
  definitions: Map<string, Definition | undefined>;
  /** `containerimage.config`, `containerimage.config/linux/amd64`, `refs.platforms`, … (exporter/containerimage/exptypes). */
  metadata: Map<string, Uint8Array>;
}

export type Frontend = (request: FrontendRequest) => Promise<FrontendAnswer>;
