// Builds without BuildKit's protocol: a request with its context as an archive, an answer in the words of Docker's first builder.
import type { RegistryAuth } from "../../registry/types.ts";
import type { StepResources } from "../types.ts";

/** What POST /build asks for. */
export interface ClassicRequest {
  /** Path of the Dockerfile in the context; "" for the usual one. */
  dockerfile: string;
  /** Canonical names with tags. */
  tags: readonly string[];
  /** A git repository or a URL in place of the body; "": the body is the context. */
  remote: string;
  /** Only the image's id is told. */
  quiet: boolean;
  noCache: boolean;
  pull: boolean;
  /** Whether to say of each step's container that it went (`rm`), and also of a failed one's (`forcerm`). */
  tellRemoved: boolean;
  tellRemovedAlways: boolean;
  /** Without a value: named, and nothing given. */
  buildArgs: ReadonlyMap<string, string | undefined>;
  labels: ReadonlyMap<string, string>;
  cacheFrom: readonly string[];
  network: "default" | "host" | "none";
  /** `host:ip`. */
  extraHosts: readonly { host: string; ip: string }[];
  /** "": the host's own. */
  platform: string;
  target: string;
  resources: StepResources;
  cgroupParent: string;
  /** The client's session, for BuildKit through this door. */
  session: string;
  /** What is made of the result, for BuildKit through this door; none: an image. */
  outputs: readonly { type: string; attributes: Readonly<Record<string, string>> }[];
  credentials(host: string): Promise<RegistryAuth | undefined>;
  /** The context: an archive, plain or compressed, as it comes. */
  body: AsyncIterable<Uint8Array>;
  /** Bytes of the body, where the client said it. */
  size?: number;
}

/** One line of the answer. */
export interface BuildMessage {
  stream?: string;
  status?: string;
  id?: string;
  progressDetail?: { current?: number; total?: number };
  aux?: unknown;
  errorDetail?: { code?: number; message: string };
  error?: string;
}

/** Resolves when there is room for more. */
export type Tell = (message: BuildMessage) => Promise<void>;
