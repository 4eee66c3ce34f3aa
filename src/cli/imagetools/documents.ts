// Descriptors, indexes and image configs as buildx writes them: it reads them into Go's structures (opencontainers/image-spec,
// specs-go/v1), so what those don't know is lost, and the order is theirs. An index has the same digest here as there then.
import { isGoEmpty } from "../../base/go-json.ts";
import { encodeJson } from "../../oci/json.ts";
import type { Descriptor, ImageConfig, ImageRunConfig, Index, Platform } from "../../oci/types.ts";

export type Annotations = Record<string, string>;

/** The index as bytes, two spaces a level. */
export const encodeIndex = (index: Index): Uint8Array => encodeJson(indexJson(index), 2);

function indexJson(index: Index): object {
  return {
    schemaVersion: index.schemaVersion,
    ...present({ mediaType: index.mediaType, artifactType: index.artifactType }),
    manifests: index.manifests.map(descriptorJson),
    ...present({
      subject: index.subject && descriptorJson(index.subject),
      annotations: inOrder(index.annotations),
    }),
  };
}

export function descriptorJson(one: Descriptor): object {
  const { mediaType, digest, size, urls, annotations, data, platform, artifactType } = one;
  return {
    mediaType,
    digest,
    size,
    ...present({
      urls,
      annotations: inOrder(annotations),
      data,
      platform: platform && platformJson(platform),
      artifactType,
    }),
  };
}

function platformJson(one: Platform): object {
  const { architecture, os, variant } = one;
  return {
    architecture,
    os,
    ...present({ "os.version": one["os.version"], "os.features": one["os.features"], variant }),
  };
}

/** What `{{json .Image}}` shows: health checks, shells and ONBUILD are Docker's own, and not among it. */
export function imageJson(image: ImageConfig): object {
  const { created, author, config, rootfs, history } = image;
  return {
    ...present({ created: created && plainStamp(created), author }),
    ...platformJson(image),
    config: runConfigJson(config ?? {}),
    rootfs: { type: rootfs?.type ?? "", diff_ids: rootfs?.diff_ids ?? null },
    ...present({
      history: history?.map((one) =>
        present({
          created: one.created && plainStamp(one.created),
          created_by: one.created_by,
          author: one.author,
          comment: one.comment,
          empty_layer: one.empty_layer,
        }),
      ),
    }),
  };
}

export function runConfigJson(config: ImageRunConfig): object {
  return present({
    User: config.User,
    ExposedPorts: inOrder(config.ExposedPorts),
    Env: config.Env,
    Entrypoint: config.Entrypoint,
    Cmd: config.Cmd,
    Volumes: inOrder(config.Volumes),
    WorkingDir: config.WorkingDir,
    Labels: inOrder(config.Labels),
    StopSignal: config.StopSignal,
    ArgsEscaped: config.ArgsEscaped,
  });
}

/** Go's `omitempty`. */
function present(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isGoEmpty(value)));
}

/** A map as Go writes it, by its keys' bytes; deep, for what Go read without a type. */
export function inOrder<T>(value: T): T {
  if (Array.isArray(value)) return value.map(inOrder) as T;
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return Object.fromEntries(entries.map(([key, one]) => [key, inOrder(one)])) as T;
}

/** A time as Go writes it again: no zeros at the end of its fraction. */
export const plainStamp = (stamp: string): string =>
  stamp.replace(/\.(\d*?)0+(?=\D|$)/, (_, digits: string) => (digits ? `.${digits}` : ""));
