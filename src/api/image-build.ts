// POST /build and /build/cancel: builds for clients without BuildKit's protocol. Source: moby, api/server/router/build.
import { invalid, messageOf, notImplemented } from "../base/errors.ts";
import { goJson } from "../base/go-json.ts";
import { type BuildImageRequest, buildImage, cancelBuild } from "../engine/index.ts";
import { decodeRegistryConfig } from "../images/index.ts";
import { parsePlatform } from "../oci/platform.ts";
import { canonical, parseReference, withDefaultTag } from "../oci/reference.ts";
import { parseJson } from "./decode.ts";
import { type ApiRequest, empty, flag, type Handler } from "./request.ts";

const build: Handler = (request, engine) => {
  const asked = readRequest(request, engine.config.experimental === true);
  return {
    kind: "stream",
    contentType: "application/json",
    lazy: true,
    write: (sink) =>
      buildImage(engine, asked, (message) => sink.write(`${goJson(message)}\r\n`), request.signal),
    failed: (error) =>
      `${goJson({ errorDetail: { message: messageOf(error) }, error: messageOf(error) })}\r\n`,
  };
};

const cancel: Handler = ({ query }, engine) => {
  const id = query.get("id") ?? "";
  if (id === "") throw invalid("build ID not provided");
  cancelBuild(engine, id);
  return empty(200);
};

function readRequest(
  { query, headers, stream, contentLength }: ApiRequest,
  experimental: boolean,
): BuildImageRequest {
  const text = (name: string) => query.get(name) ?? "";
  if (query.has("securityopt")) throw invalid("security options are not supported on linux");
  if (flag(query, "squash"))
    throw experimental
      ? notImplemented("squash is not implemented in Berth: build without it, or in fewer layers")
      : invalid("squash is only supported with experimental mode");
  const platform = text("platform");
  if (platform !== "") parsePlatform(platform);
  const config = headers["x-registry-config"];
  const registries = decodeRegistryConfig(Array.isArray(config) ? config[0] : config);
  return {
    dockerfile: text("dockerfile"),
    tags: tagsOf(query.getAll("t")),
    remote: text("remote"),
    quiet: flag(query, "q"),
    noCache: flag(query, "nocache"),
    pull: flag(query, "pull"),
    tellRemoved: flag(query, "forcerm") || text("rm") === "" || flag(query, "rm"),
    tellRemovedAlways: flag(query, "forcerm"),
    buildArgs: new Map(
      Object.entries(record(query, "buildargs", "error reading build args")).map(([name, value]) => [
        name,
        value ?? undefined,
      ]),
    ),
    labels: new Map(
      Object.entries(record(query, "labels", "error reading labels")).map(([name, value]) => [
        name,
        value ?? "",
      ]),
    ),
    cacheFrom: list(query, "cachefrom", "error reading cache-from").map(String),
    network: networkOf(text("networkmode")),
    extraHosts: query.getAll("extrahosts").flatMap(hostsOf),
    platform,
    target: text("target"),
    resources: resourcesOf(query),
    cgroupParent: text("cgroupparent"),
    session: text("session"),
    outputs: list(query, "outputs", "invalid outputs specified").map(outputOf),
    credentials: async (host) => registries(host),
    body: stream,
    ...(contentLength >= 0 && { size: contentLength }),
    buildId: text("buildid"),
    traced: versionOf(text("version")) === "2",
  };
}

/** Each once, in their order. Errors: invalid. */
function tagsOf(names: readonly string[]): string[] {
  const references = names
    .filter((name) => name !== "")
    .map((name) => {
      const reference = parseReference(name);
      if (reference.digest) throw invalid("build tag cannot contain a digest");
      return canonical(withDefaultTag(reference));
    });
  return [...new Set<string>(references)];
}

function versionOf(text: string): "1" | "2" {
  if (text === "" || text === "1") return "1";
  if (text === "2") return "2";
  throw invalid(`invalid version ${JSON.stringify(text)}`);
}

function networkOf(mode: string): BuildImageRequest["network"] {
  if (mode === "" || mode === "default" || mode === "bridge") return "default";
  if (mode === "host" || mode === "none") return mode;
  throw invalid(
    `network mode ${JSON.stringify(mode)} is not supported by builds: take default, host or none`,
  );
}

/** `host:ip`, several divided by commas, since Docker's old clients send them so. */
function hostsOf(text: string): { host: string; ip: string }[] {
  return text.split(",").flatMap((entry) => {
    if (entry === "") return [];
    const [, host, ip] = /^([^:=]+)[:=](.+)$/.exec(entry) ?? [];
    if (!host || !ip) throw invalid(`invalid host ${entry}`);
    return [{ host, ip: ip.replace(/^\[(.*)\]$/, "$1") }];
  });
}

function resourcesOf(query: URLSearchParams): BuildImageRequest["resources"] {
  // Docker takes what is no number for none.
  const number = (name: string) => (/^[+-]?\d+$/.test(query.get(name) ?? "") ? Number(query.get(name)) : 0);
  const text = (name: string) => query.get(name) || undefined;
  return {
    shmSize: shmSizeOf(query),
    memory: number("memory"),
    memorySwap: number("memswap"),
    cpuShares: number("cpushares"),
    cpuPeriod: number("cpuperiod"),
    cpuQuota: number("cpuquota"),
    cpusetCpus: text("cpusetcpus"),
    cpusetMems: text("cpusetmems"),
    ulimits: list(query, "ulimits", "error reading ulimit settings").map(ulimitOf),
  };
}

function shmSizeOf(query: URLSearchParams): number | undefined {
  const text = query.get("shmsize") ?? "";
  if (text !== "" && !/^[+-]?\d+$/.test(text))
    throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text) || undefined;
}

function parsed(query: URLSearchParams, name: string, what: string): unknown {
  const text = query.get(name) ?? "";
  if (text === "") return undefined;
  try {
    return parseJson(text);
  } catch (thrown) {
    throw invalid(`${what}: ${messageOf(thrown).replace(/^invalid JSON: /, "")}`, thrown);
  }
}

/** A map of texts; null is a name without a value. */
function record(query: URLSearchParams, name: string, what: string): Record<string, string | null> {
  const value = parsed(query, name, what) ?? {};
  const texts = (entry: unknown) => entry === null || typeof entry === "string";
  if (typeof value !== "object" || Array.isArray(value) || !Object.values(value).every(texts))
    throw invalid(`${what}: ${name} is to be a map of texts`);
  return value as Record<string, string | null>;
}

function list(query: URLSearchParams, name: string, what: string): unknown[] {
  const value = parsed(query, name, what) ?? [];
  if (!Array.isArray(value)) throw invalid(`${what}: ${name} is to be a list`);
  return value;
}

const fields = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

function ulimitOf(value: unknown): { Name: string; Soft: number; Hard: number } {
  const { Name, Soft, Hard } = fields(value);
  if (typeof Name !== "string" || typeof Soft !== "number" || typeof Hard !== "number")
    throw invalid("error reading ulimit settings: a ulimit has Name, Soft and Hard");
  return { Name, Soft, Hard };
}

function outputOf(value: unknown): BuildImageRequest["outputs"][number] {
  const { Type, Attrs } = fields(value);
  if (typeof Type !== "string") throw invalid("invalid outputs specified: an output has a Type");
  const attributes = Object.entries(fields(Attrs)).map(([name, text]) => [name, String(text)] as const);
  return { type: Type, attributes: Object.fromEntries(attributes) };
}

export const handlers = { build, cancel } satisfies Record<string, Handler>;
