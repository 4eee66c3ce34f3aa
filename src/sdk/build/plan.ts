// What the daemon is asked for, from what a person asked for: exporters, caches and the frontend's attributes. The
// names and the order of decisions are those of docker/buildx (build/opt.go) with its docker driver.
import { SdkError } from "../errors.ts";
import type { BuilderAbilities } from "./abilities.ts";
import type { BuildInputs } from "./inputs.ts";
import type { BuildOutput, BuildSpec, CacheSpec } from "./types.ts";

export interface BuildPlan {
  frontend: string;
  attributes: Record<string, string>;
  /** In the order of the ids by which the daemon sends their results. */
  outputs: BuildOutput[];
  cacheFrom: CacheSpec[];
  cacheTo: CacheSpec[];
  entitlements: string[];
  /** Names that are pushed by the daemon's image API, where its builder can't push. */
  pushAfter: string[];
}

const invalid = (message: string) => new SdkError("protocol", message);

function unsupported(what: string, page: string): SdkError {
  return invalid(
    `${what} is not supported for the docker driver.\nSwitch to a different driver, or turn on the containerd image store, and try again.\nLearn more at https://docs.docker.com/go/${page}/`,
  );
}

const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const isTrue = (text: string | undefined) => text !== undefined && TRUE.has(text);

export function planBuild(spec: BuildSpec, inputs: BuildInputs, abilities: BuilderAbilities): BuildPlan {
  const args = spec.args ?? {};
  const cacheTo = [...(spec.cacheTo ?? [])];
  if (isTrue(args.BUILDKIT_INLINE_CACHE)) cacheTo.push({ type: "inline", attributes: {} });
  if (!abilities.imageStore && cacheTo.some(({ type }) => type !== "inline"))
    throw unsupported("Cache export", "build-cache-backends");
  const { frontend, attributes } = frontendOf(args);
  const entitlements = [...(spec.allow ?? [])];
  Object.assign(attributes, attestations(spec, abilities), inputs.attributes);
  for (const [name, value] of Object.entries(args)) attributes[`build-arg:${name}`] = value;
  for (const [name, value] of Object.entries(spec.labels ?? {})) attributes[`label:${name}`] = value;
  attributes["image-resolve-mode"] = spec.pull ? "pull" : "local";
  if (spec.target) attributes.target = spec.target;
  if (Array.isArray(spec.noCache) && spec.noCache.length > 0) attributes["no-cache"] = spec.noCache.join(",");
  if (spec.noCache === true) attributes["no-cache"] = "";
  if (spec.cgroupParent) attributes["cgroup-parent"] = spec.cgroupParent;
  const platforms = spec.platforms ?? [];
  if (platforms.length > 1 && !abilities.imageStore)
    throw unsupported("Multi-platform build", "build-multi-platform");
  if (platforms.length > 0) attributes.platform = platforms.join(",");
  if (spec.network === "host") entitlements.push("network.host");
  if (spec.network === "host" || spec.network === "none") attributes["force-network-mode"] = spec.network;
  else if (spec.network && spec.network !== "default")
    throw invalid(
      `network mode "${spec.network}" not supported by buildkit - you can define a custom network for your builder using the network driver-opt in buildx create`,
    );
  const hosts = (spec.extraHosts ?? []).flatMap((host) => extraHost(host, abilities.hostGateway));
  if (hosts.length > 0) attributes["add-hosts"] = hosts.join(",");
  if (spec.shmSize) attributes["shm-size"] = String(spec.shmSize);
  if (spec.ulimits?.length) attributes.ulimit = spec.ulimits.join(",");
  const outputs = planOutputs(spec, abilities);
  return {
    frontend,
    attributes: { ...attributes, ...spec.attributes },
    outputs,
    cacheFrom: spec.cacheFrom ?? [],
    cacheTo,
    entitlements,
    pushAfter: abilities.imageStore ? [] : outputs.flatMap(pushed),
  };
}

function frontendOf(args: Record<string, string>): { frontend: string; attributes: Record<string, string> } {
  const attributes: Record<string, string> = {};
  if (isTrue(args.BUILDKIT_MULTI_PLATFORM)) attributes["multi-platform"] = "true";
  const syntax = args.BUILDKIT_SYNTAX;
  if (syntax === undefined) return { frontend: "dockerfile.v0", attributes };
  attributes.source = syntax.trim().split(" ")[0] ?? "";
  attributes.cmdline = syntax;
  return { frontend: "gateway.v0", attributes };
}

/** Minimal provenance goes inline into an image unless it is refused. */
const DEFAULT_PROVENANCE = "mode=min,inline-only=true";

function attestations(spec: BuildSpec, { imageStore }: BuilderAbilities): Record<string, string> {
  const wanted = Object.entries(spec.attestations ?? {});
  const given = wanted.filter((one): one is [string, string] => one[1] !== false);
  if (given.length > 0 && !imageStore) throw unsupported("Attestation", "attestations");
  const attributes = Object.fromEntries(given.map(([type, parameters]) => [`attest:${type}`, parameters]));
  const silent = !wanted.some(([type]) => type === "provenance");
  if (silent && imageStore) attributes["attest:provenance"] = DEFAULT_PROVENANCE;
  return attributes;
}

function extraHost(text: string, gateway: string | undefined): string[] {
  const match = /^([^=]*)=(.*)$/.exec(text) ?? /^([^:]*):(.*)$/.exec(text);
  const [, name, address] = match ?? [];
  if (!name || !address) throw invalid(`invalid host ${text}`);
  if (address === "host-gateway") {
    if (!gateway) throw invalid("unable to derive the IP value for host-gateway: host-gateway IP not found");
    return [`${name}=${gateway}`];
  }
  const { isIP } = require("node:net") as typeof import("node:net");
  return address.split(",").map((one) => {
    const plain = one.replace(/^\[(.+)\]$/, "$1");
    if (isIP(plain) === 0) throw invalid(`invalid host ${text}`);
    return `${name}=${plain}`;
  });
}

/** Types whose result has a name. */
const NAMED = new Set(["image", "oci", "docker"]);

function planOutputs(spec: BuildSpec, { imageStore }: BuilderAbilities): BuildOutput[] {
  const wanted = spec.outputs ?? (spec.call ? [] : [{ type: "image", attributes: {} }]);
  const tags = spec.tags ?? [];
  const several = (spec.platforms?.length ?? 0) > 1;
  return wanted
    .filter(({ type }) => type !== "cacheonly")
    .map((output) => {
      const attributes = { ...output.attributes };
      let { type } = output;
      if (tags.length > 0 && NAMED.has(type)) attributes.name = tags.join(",");
      if (type === "image" && !attributes.name && isTrue(attributes.push))
        throw invalid("tag is needed when pushing to registry");
      if (type === "oci" && !imageStore) throw unsupported("OCI exporter", "build-exporters");
      if (type === "docker" && !output.file && !output.folder) type = "image";
      else if (type === "docker") {
        if (several || hasAttestations(spec))
          throw invalid(
            "docker exporter does not support exporting manifest lists, use the oci exporter instead",
          );
        if (!imageStore) throw unsupported("Docker exporter", "build-exporters");
      }
      const inline = spec.args?.BUILDKIT_INLINE_BUILDINFO_ATTRS;
      if (inline !== undefined && NAMED.has(type)) attributes["buildinfo-attrs"] = inline;
      // The docker driver's own exporter, which gives the image to the engine.
      if (type !== "image") return { ...output, type, attributes };
      if (isTrue(attributes.push) && isTrue(attributes["push-by-digest"]))
        throw invalid(
          "push-by-digest is currently not implemented for docker driver, please create a new builder instance",
        );
      return { ...output, type: "moby", attributes };
    });
}

const hasAttestations = (spec: BuildSpec) =>
  Object.values(spec.attestations ?? {}).some((parameters) => parameters !== false);

function pushed({ type, attributes }: BuildOutput): string[] {
  return type === "moby" && isTrue(attributes.push) ? (attributes.name ?? "").split(",") : [];
}
