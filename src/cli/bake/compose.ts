// Compose files as bake files: each service that is built is a target (docker/buildx bake/compose.go).

import { normalize } from "node:path";
import { parse } from "yaml";
import { goBoolean } from "../../base/go-boolean.ts";
import { binarySize, parseRam } from "../format/units.ts";
import { interpolateAll } from "./interpolate.ts";
import { attestationOf, cachesOf, outputOf, secretOf, sshOf } from "./options.ts";
import type { Config } from "./resolve.ts";
import { type SshOption, type Target, withoutDoubles } from "./target.ts";

type Node = Record<string, unknown>;
export type Lookup = (name: string) => string | undefined;

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const node = (value: unknown): Node => (isNode(value) ? value : {});

/** Throws an Error for what is no Compose file. */
export function readCompose(text: string): Node {
  const content: unknown = parse(text, { merge: true });
  if (!isNode(content)) throw new Error("top-level object must be a mapping");
  if (!("services" in content) && !("secrets" in content)) throw new Error("empty compose file");
  if (content.services !== undefined && content.services !== null && !isNode(content.services))
    throw new Error("services must be a mapping");
  return content;
}

/** The files together, later ones over earlier. */
export function composeConfig(files: Node[], lookup: Lookup): Config {
  const whole = node(interpolateAll(files.reduce(over), lookup));
  const secrets = node(whole.secrets);
  const targets = Object.entries(node(whole.services)).flatMap(([name, service]) => {
    const { build } = node(service);
    if (build === undefined || build === null) return [];
    return [
      targetOf(
        name,
        node(service),
        typeof build === "string" ? { context: build } : node(build),
        secrets,
        lookup,
      ),
    ];
  });
  return { targets, groups: [{ name: "default", targets: targets.map(({ name }) => name) }] };
}

/** Mappings are joined, lists grow, all else is the later's. */
function over(before: Node, after: Node): Node;
function over(before: unknown, after: unknown): unknown;
function over(before: unknown, after: unknown): unknown {
  if (isNode(before) && isNode(after)) {
    const joined: Node = { ...before };
    for (const [key, value] of Object.entries(after))
      joined[key] = key in before ? over(before[key], value) : value;
    return joined;
  }
  if (Array.isArray(before) && Array.isArray(after)) return [...new Set([...before, ...after])];
  return after;
}

const SERVICE_NAME = /^[a-zA-Z0-9_-]+$/;

function targetOf(service: string, whole: Node, build: Node, secrets: Node, lookup: Lookup): Target {
  const name = service.replaceAll(".", "_");
  if (!SERVICE_NAME.test(name))
    throw new Error(`invalid service name "${name}": only "[a-zA-Z0-9_-]+" are allowed`);
  const environment = mapOf(whole.environment, lookup);
  const text = (key: string) =>
    build[key] === undefined || build[key] === null ? undefined : String(build[key]);
  const attest = ["sbom", "provenance"].flatMap((type) =>
    text(type) ? [attestation(type, text(type) ?? "")] : [],
  );
  const target: Target = {
    name,
    ...said("context", text("context") ?? (build.dockerfile_inline === undefined ? undefined : ".")),
    ...said("contexts", contextsOf(mapOf(build.additional_contexts, lookup))),
    ...said("dockerfile", text("dockerfile")),
    ...said("dockerfile-inline", text("dockerfile_inline")),
    ...said("tags", listOf(build.tags)),
    ...said(
      "labels",
      mapOf(build.labels, () => ""),
    ),
    ...said(
      "args",
      mapOf(build.args, (key) => environment?.[key] ?? lookup(key)),
    ),
    ...said("cache-from", listOf(build.cache_from)?.flatMap(cachesOf)),
    ...said("cache-to", listOf(build.cache_to)?.flatMap(cachesOf)),
    ...said("network", text("network")),
    ...said("platforms", listOf(build.platforms)),
    ...said("ssh", sshList(build.ssh)),
    ...said("secret", secretList(build.secrets, secrets)),
    ...said("shm-size", sizeOf(text("shm_size"))),
    ...said("ulimits", ulimitsOf(build.ulimits)),
    ...said("extra-hosts", hostsOf(build.extra_hosts)),
    ...(attest.length > 0 && { attest }),
    ...(goBoolean(text("no_cache") ?? "") && { "no-cache": true }),
    ...(goBoolean(text("pull") ?? "") && { pull: true }),
    ...said("entitlements", listOf(build.entitlements)),
    ...said("target", text("target") || undefined),
  };
  extend(target, node(build["x-bake"]));
  if (!target.tags?.length && typeof whole.image === "string") target.tags = [whole.image];
  return target;
}

const said = <K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { [key in K]?: V };

function attestation(type: string, text: string) {
  const truth = goBoolean(text);
  return attestationOf(truth === undefined ? `type=${type},${text}` : `type=${type},disabled=${!truth}`);
}

/** A list, or a text of words as `x-bake` allows it. */
function listOf(value: unknown): string[] | undefined {
  if (value === undefined || value === null) return undefined;
  return Array.isArray(value) ? value.map(String) : String(value).split(/\s+/).filter(Boolean);
}

/** `{KEY: value}` or `["KEY=value"]`; a key without a value has what `missing` gives, or isn't there. */
function mapOf(value: unknown, missing: Lookup): Record<string, string> | undefined {
  if (value === undefined || value === null) return undefined;
  const pairs: [string, unknown][] = Array.isArray(value)
    ? value.map((one) => {
        const [key = "", ...rest] = String(one).split("=");
        return [key, rest.length > 0 ? rest.join("=") : null];
      })
    : Object.entries(node(value));
  const found: Record<string, string> = {};
  for (const [key, item] of pairs) {
    const text = item === null || item === undefined ? missing(key) : String(item);
    if (text !== undefined) found[key] = text;
  }
  return found;
}

function contextsOf(map: Record<string, string> | undefined): Record<string, string> | undefined {
  if (!map) return undefined;
  const plain = (source: string) => (/^[a-z-]+:/.test(source) ? source : normalize(source));
  return Object.fromEntries(
    Object.entries(map).map(([name, source]) => [
      name,
      plain(source).replace(
        /^(?:service|target):(.*)$/s,
        (_, other: string) => `target:${other.replaceAll(".", "_")}`,
      ),
    ]),
  );
}

function sshList(value: unknown): SshOption[] | undefined {
  if (value === undefined || value === null) return undefined;
  const texts = Array.isArray(value)
    ? value.map(String)
    : Object.entries(node(value)).map(([id, path]) => (path ? `${id}=${String(path)}` : id));
  return texts.map(sshOf).sort((a, b) => (a.id < b.id ? -1 : 1));
}

function secretList(value: unknown, secrets: Node) {
  if (!Array.isArray(value)) return undefined;
  return value.map((one) => {
    const id = isNode(one) ? String(one.source ?? "") : String(one);
    const { file, environment, external, name } = node(secrets[id]);
    if (external) throw new Error(`unsupported external secret ${String(name ?? id)}`);
    return {
      id,
      ...(file !== undefined && { file: String(file) }),
      ...(environment !== undefined && { env: String(environment) }),
    };
  });
}

/** As docker/go-units writes it. */
const sizeOf = (text: string | undefined) => (text === undefined ? undefined : binarySize(parseRam(text)));

function ulimitsOf(value: unknown): string[] | undefined {
  if (!isNode(value)) return undefined;
  return Object.entries(value).map(([name, limit]) => {
    const { soft, hard } = isNode(limit) ? limit : { soft: limit, hard: limit };
    return `${name}=${String(soft)}:${String(hard)}`;
  });
}

function hostsOf(value: unknown): Record<string, string> | undefined {
  if (value === undefined || value === null) return undefined;
  if (isNode(value)) return mapOf(value, () => undefined);
  return Object.fromEntries(
    (listOf(value) ?? []).map((one) => {
      const [, host = one, address = ""] = /^([^=:]+)[=:](.*)$/.exec(one) ?? [];
      return [host, address.replace(/^\[(.*)\]$/, "$1")];
    }),
  );
}

/** `x-bake`: what Compose's own words have no place for. */
function extend(target: Target, more: Node): void {
  const grown = (field: "tags" | "platforms" | "no-cache-filter") => {
    const list = listOf(more[field]);
    if (list) target[field] = [...new Set([...(target[field] ?? []), ...list])];
  };
  grown("tags");
  grown("platforms");
  grown("no-cache-filter");
  const options = <T extends object>(before: T[] | undefined, key: string, of: (text: string) => T | T[]) => {
    const list = listOf(more[key]);
    return list ? withoutDoubles([...(before ?? []), ...list.flatMap(of)]) : before;
  };
  Object.assign(target, {
    ...said("cache-from", options(target["cache-from"], "cache-from", cachesOf)),
    ...said("cache-to", options(target["cache-to"], "cache-to", cachesOf)),
    ...said("secret", options(target.secret, "secret", secretOf)),
    ...said("ssh", options(target.ssh, "ssh", sshOf)),
    ...said("output", options(target.output, "output", outputOf)),
    ...(typeof more.pull === "boolean" && { pull: more.pull }),
    ...(typeof more["no-cache"] === "boolean" && { "no-cache": more["no-cache"] }),
  });
  const contexts = contextsOf(mapOf(more.contexts, () => ""));
  if (contexts) target.contexts = { ...contexts, ...target.contexts };
}
