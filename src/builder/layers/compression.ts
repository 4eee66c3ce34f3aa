// How a result's layers are compressed (BuildKit, util/compression): options of exporters, media types of both families.

import { invalid, notImplemented } from "../../base/errors.ts";
import { goBoolean } from "../../base/go-boolean.ts";
import { MEDIA } from "../../oci/types.ts";

export interface Compression {
  type: "gzip" | "zstd" | "uncompressed";
  level?: number;
  /** Also layers that are here in another one. */
  force: boolean;
}

/** Levels that BuildKit takes; zstd's are clamped by its library. */
const GZIP_LEVELS = { least: -2, most: 9 };
const ZSTD_LEVELS = { least: 1, most: 22 };

/** Reads `compression`, `compression-level` and `force-compression`. Errors: invalid; not-implemented for estargz. */
export function readCompression(attributes: Readonly<Record<string, string>>): Compression {
  const type = typeOf(attributes.compression);
  const force = forceOf(attributes["force-compression"]);
  const text = attributes["compression-level"];
  if (text === undefined) return { type, force };
  if (!/^[+-]?\d+$/.test(text))
    throw invalid(`non-integer value ${text} specified for compression-level: invalid syntax`);
  return { type, force, ...levelOf(type, Number(text)) };
}

function typeOf(name: string | undefined): Compression["type"] {
  if (name === undefined) return "gzip";
  if (name === "gzip" || name === "zstd" || name === "uncompressed") return name;
  if (name === "estargz")
    throw notImplemented("compression=estargz is not implemented in Berth: use gzip, zstd or uncompressed");
  throw invalid(`unsupported compression type ${name}`);
}

function forceOf(value: string | undefined): boolean {
  if (value === undefined) return false;
  const truth = value === "" || goBoolean(value);
  if (truth === undefined)
    throw invalid(`non-bool value ${value} specified for force-compression: invalid syntax`);
  return truth;
}

function levelOf(type: Compression["type"], level: number): { level?: number } {
  if (type === "uncompressed") return {};
  if (type === "zstd") return { level: Math.min(Math.max(level, ZSTD_LEVELS.least), ZSTD_LEVELS.most) };
  if (level < GZIP_LEVELS.least || level > GZIP_LEVELS.most)
    throw invalid(`gzip: invalid compression level: ${level}`);
  // -1 is the default, -2 Huffman's codes alone, which our library hasn't got: its fastest is near.
  if (level === -1) return {};
  return { level: level === -2 ? 1 : level };
}

/** What a layer's media type says, of OCI's or Docker's family. */
export function compressionOf(mediaType: string): Compression["type"] {
  if (/[.+]zstd$/.test(mediaType)) return "zstd";
  return /[.+]gzip$/.test(mediaType) ? "gzip" : "uncompressed";
}

const OCI = { gzip: MEDIA.ociLayerGzip, zstd: MEDIA.ociLayerZstd, uncompressed: MEDIA.ociLayer } as const;
const DOCKER = {
  gzip: MEDIA.dockerLayer,
  zstd: "application/vnd.docker.image.rootfs.diff.tar.zstd",
  uncompressed: "application/vnd.docker.image.rootfs.diff.tar",
} as const;

/** A layer's media type in one family, whichever it is of (util/compression, ConvertAllLayerMediaTypes). */
export function layerMediaType(mediaType: string, oci: boolean): string {
  const docker = /\.(?:foreign\.)?diff\.tar/.test(mediaType);
  if (!docker && !mediaType.startsWith(MEDIA.ociLayer)) return mediaType; // Not a plain layer
  return (oci ? OCI : DOCKER)[compressionOf(mediaType)];
}
