// Berth's own part of the API, below /berth/registry: what a registry holds, read and written through the daemon for
// `buildx imagetools`. A name is an image's, with tag or digest.
import { invalid } from "../base/errors.ts";
import * as engine from "../engine/index.ts";
import { decodeRegistryAuth, decodeRegistryConfig } from "../images/index.ts";
import { type ApiRequest, empty, type Handler } from "./request.ts";

const headerOf = ({ headers }: ApiRequest, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
};

const from = (request: ApiRequest) => ({
  auth: decodeRegistryAuth(headerOf(request, "x-registry-auth")),
  signal: request.signal,
});

const readManifest: Handler = async (request, rooms) => {
  const { bytes, mediaType, digest } = await engine.readRegistryManifest(rooms, request.name, from(request));
  return {
    kind: "stream",
    contentType: mediaType,
    headers: { "Docker-Content-Digest": digest },
    write: (sink) => sink.write(bytes),
  };
};

const writeManifest: Handler = async (request, rooms) => {
  const mediaType = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim() ?? "";
  const bytes = await wholeBody(request, engine.MANIFEST_LIMIT);
  const digest = await engine.writeRegistryManifest(rooms, request.name, {
    ...from(request),
    mediaType,
    bytes,
  });
  return { kind: "empty", status: 201, headers: { "Docker-Content-Digest": digest } };
};

async function wholeBody({ stream }: ApiRequest, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit) throw invalid(`the manifest has more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const readBlob: Handler = async (request, rooms) => {
  const bytes = await engine.readRegistryBlob(rooms, request.name, from(request));
  return {
    kind: "stream",
    contentType: "application/octet-stream",
    lazy: true,
    async write(sink) {
      for await (const chunk of bytes) await sink.write(chunk);
    },
  };
};

/** Two registries may be asked: credentials come as builds bring them, for each. */
const copy: Handler = async (request, rooms) => {
  const { name, query, signal } = request;
  const source = query.get("from") ?? "";
  if (source === "") throw invalid("the parameter from is missing: which manifest is to be copied");
  await engine.copyRegistryContent(rooms, {
    from: source,
    to: name,
    authOf: decodeRegistryConfig(headerOf(request, "x-registry-config")),
    signal,
  });
  return empty(201);
};

export const handlers = { readManifest, writeManifest, readBlob, copy } satisfies Record<string, Handler>;
