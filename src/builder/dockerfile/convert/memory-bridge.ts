// For tests: a bridge that has folders and images in memory, and graphs as text that people can compare.
import { notFound } from "../../../base/errors.ts";
import type { Definition } from "../../../buildkit/messages/ops_pb.ts";
import { digestOf } from "../../../oci/digest.ts";
import { canonical, parseReference, withDefaultTag } from "../../../oci/reference.ts";
import type { ImageConfig } from "../../../oci/types.ts";
import type {
  FrontendBridge,
  FrontendRequest,
  FrontendWarning,
  ReadableTree,
  ResolveImageOptions,
} from "../../frontend.ts";
import { loadDefinition, type Vertex, verticesOf } from "../../solver/graph.ts";

export interface MemoryFiles {
  /** Contents by `source-identifier path`, as `local://context .dockerignore`. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly images?: Readonly<Record<string, ImageConfig>>;
}

export interface MemoryBridge extends FrontendBridge {
  readonly warnings: FrontendWarning[];
  /** Names of what was asked for, in order. */
  readonly asked: string[];
}

export const EMPTY_CONFIG: ImageConfig = {
  os: "linux",
  architecture: "amd64",
  config: { Env: ["PATH=/bin"], Cmd: ["sh"] },
  rootfs: { type: "layers", diff_ids: [digestOf("layer")] },
};

/** Answers `solve` for one source alone, and for a copy of it. */
export function memoryBridge({ files, images = {} }: MemoryFiles): MemoryBridge {
  const warnings: FrontendWarning[] = [];
  const asked: string[] = [];
  const solve = async (definition: Definition): Promise<ReadableTree> => {
    const edge = loadDefinition(definition);
    const source = edge && verticesOf(edge).find(({ op }) => op.op.case === "source");
    asked.push(edge?.vertex.name ?? "");
    const identifier = source?.op.op.case === "source" ? source.op.op.value.identifier : "";
    return { readFile: (path) => read(files, identifier, path), readFolder: async () => [] };
  };
  return {
    warnings,
    asked,
    platforms: [{ os: "linux", architecture: "amd64" }],
    resolveImage: (reference, options) => resolve(reference, options, images, asked),
    solve,
    peek: solve,
    warn: (warning) => void warnings.push(warning),
  };
}

async function resolve(
  reference: string,
  { name }: ResolveImageOptions,
  images: NonNullable<MemoryFiles["images"]>,
  asked: string[],
) {
  asked.push(name);
  const short = Object.keys(images).find(
    (each) => canonical(withDefaultTag(parseReference(each))) === reference,
  );
  const config = short === undefined ? undefined : images[short];
  if (!config) throw notFound(`${reference}: not found`);
  return { reference, digest: digestOf(reference), config: Buffer.from(JSON.stringify(config)) };
}

async function read(files: MemoryFiles["files"], identifier: string, path: string): Promise<Uint8Array> {
  const content = files[`${identifier} ${path}`];
  if (content === undefined) throw notFound(`open ${path}: no such file or directory`);
  return typeof content === "string" ? new TextEncoder().encode(content) : content;
}

/** A request for a Dockerfile that lies in the client's folder. */
export function memoryRequest(
  dockerfile: string,
  options: Readonly<Record<string, string>> = {},
  given: Partial<MemoryFiles> & { inputs?: FrontendRequest["inputs"] } = {},
): FrontendRequest & { bridge: MemoryBridge } {
  const files = { "local://dockerfile Dockerfile": dockerfile, ...given.files };
  return {
    options: new Map(Object.entries(options)),
    inputs: given.inputs ?? new Map(),
    session: "session",
    bridge: memoryBridge({ files, ...(given.images && { images: given.images }) }),
  };
}

/**
 * One line a vertex, those first that others take from: its number, its name, what it does, and the numbers of its
 * inputs. Digests are cut short.
 */
export function describeGraph(definition: Definition | undefined): string[] {
  const edge = loadDefinition(definition);
  if (!edge) return [];
  const vertices = verticesOf(edge);
  const numbers = new Map(vertices.map((vertex, index) => [vertex.digest, index]));
  return vertices.map((vertex, index) =>
    `${index} ${vertexText(vertex, numbers)}`.replace(/@sha256:\w+/g, "@…"),
  );
}

function vertexText(vertex: Vertex, numbers: ReadonlyMap<string, number>): string {
  const custom = vertex.metadata?.description["llb.customname"] ?? "";
  const inputs = vertex.inputs.map(({ vertex: from, index }) => {
    const number = numbers.get(from.digest);
    return index === 0 ? `${number}` : `${number}.${index}`;
  });
  const flags = vertex.metadata?.ignoreCache ? " no-cache" : "";
  return `${custom} | ${operationText(vertex)}${inputs.length > 0 ? ` <- ${inputs.join(" ")}` : ""}${flags}`;
}

/** Only what isn't as usual. */
const shown = (value: Readonly<Record<string, unknown>>): string =>
  Object.entries(value)
    .filter(([key, item]) => !key.startsWith("$") && !isUsual(item))
    .map(([key, item]) => `${key}=${typeof item === "object" ? text(item) : String(item)}`)
    .join(" ");

const isUsual = (item: unknown): boolean =>
  item === undefined ||
  item === "" ||
  item === false ||
  item === 0 ||
  item === -1 ||
  item === 0n ||
  item === -1n ||
  (Array.isArray(item) && item.length === 0) ||
  (item instanceof Uint8Array && item.length === 0);

const text = (item: unknown): string =>
  JSON.stringify(item, (key, value: unknown) => {
    if (key === "$typeName") return undefined;
    if (value instanceof Uint8Array) return new TextDecoder().decode(value);
    return typeof value === "bigint" ? Number(value) : value;
  });

function operationText({ op: { op, platform } }: Vertex): string {
  switch (op.case) {
    case "source": {
      const where = platform
        ? ` ${[platform.os, platform.architecture, platform.variant].filter(Boolean).join("/")}`
        : "";
      return `${op.value.identifier}${where} ${shown(op.value.attrs)}`.trim();
    }
    case "exec": {
      const { meta, mounts, secretenv, network, security } = op.value;
      const { args = [], removeMountStubsRecursive: _, ...rest } = meta ?? {};
      const places = mounts.map((mount) => `{${shown(mount)} in=${mount.input} out=${mount.output}}`);
      return [`exec ${text(args)}`, shown(rest), shown({ network, security, secretenv }), ...places]
        .filter(Boolean)
        .join(" ");
    }
    case "file":
      return op.value.actions
        .map(({ action, input, secondaryInput }) => {
          const second = secondaryInput >= 0n ? `,${secondaryInput}` : "";
          return `${action.case}(${input}${second}) ${shown({ ...action.value })}`;
        })
        .join("; ");
    default:
      return op.case ?? "";
  }
}
