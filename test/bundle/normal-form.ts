// config.json in a form in which ours and a peer's can be laid side by side: names of one container replaced by words,
// sets sorted, and the seccomp profile spread out by system call, since its grouping means nothing.
import type { Device, DeviceRule, Seccomp, Spec, SpecMount } from "../../src/runtime/bundle/spec.ts";

/** Texts of this container, longest first, and the words that stand for them. */
export type Replacements = [text: string, word: string][];

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export function normalForm(spec: Spec, replacements: Replacements): Json {
  const { linux, process, mounts, ...rest } = structuredClone(spec) as Spec & { hooks?: unknown };
  const { capabilities = {} } = process;
  const normal = {
    ...rest,
    process: {
      ...process,
      capabilities: mapValues({ ...capabilities }, (list) => [...new Set(list)].sort()),
      rlimits: [...(process.rlimits ?? [])].sort((a, b) => (a.type < b.type ? -1 : 1)),
    },
    mounts: mounts.map(mountLine).sort(byDepth),
    linux: {
      ...linux,
      namespaces: Object.fromEntries(linux.namespaces.map(({ type, path }) => [type, path ?? "own"])),
      devices: (linux.devices ?? []).map(deviceLine).sort(),
      resources: { ...linux.resources, devices: lastOfEach(linux.resources.devices.map(ruleLine)) },
      seccomp: linux.seccomp ? seccompForm(linux.seccomp) : null,
    },
  };
  return clean(replaceTexts(toPlain(normal), replacements));
}

/** "/data bind /host/data rbind,rprivate". */
function mountLine({ destination, type, source, options }: SpecMount): string {
  return `${destination} ${type} ${source} ${options.slice().sort().join(",")}`;
}

/** Folders before what is below them; beside each other the order means nothing, and the peer's is random. */
function byDepth(a: string, b: string): number {
  const depth = (line: string) => (line.split(" ")[0] ?? "").split("/").length;
  return depth(a) - depth(b) || (a < b ? -1 : 1);
}

/** "allow c 1:3 rwm". */
function ruleLine({ allow, type = "a", major, minor, access }: DeviceRule): string {
  return `${allow ? "allow" : "deny"} ${type} ${major ?? "*"}:${minor ?? "*"} ${access}`;
}

/** The last rule for a device wins, so a rule that comes again is as if it were only there. The peer repeats its own. */
const lastOfEach = (rules: string[]): string[] => rules.filter((rule, at) => rules.lastIndexOf(rule) === at);

/** "/dev/fuse c 10:229 0666 0:0". */
function deviceLine({ path, type, major, minor, fileMode = 0, uid = 0, gid = 0 }: Device): string {
  return `${path} ${type} ${major}:${minor} 0${(fileMode & 0o7777).toString(8)} ${uid}:${gid}`;
}

/** One line for each system call and condition. */
export function seccompForm(seccomp: Seccomp): Json {
  const lines = (seccomp.syscalls ?? []).flatMap(({ names, action, errnoRet, args }) =>
    names.map((name) =>
      [
        name,
        action,
        ...(errnoRet === undefined ? [] : [`errno=${errnoRet}`]),
        // A missing valueTwo and a zero are the same.
        ...(args ?? []).map(({ index, value, valueTwo, op }) => `${index} ${op} ${value} ${valueTwo ?? 0}`),
      ].join(" "),
    ),
  );
  const { syscalls: _, ...rest } = seccomp;
  return toPlain({ ...rest, syscalls: [...new Set(lines)].sort() });
}

const mapValues = <V, R>(object: Record<string, V>, change: (value: V) => R): Record<string, R> =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));

const toPlain = (value: unknown): Json =>
  JSON.parse(JSON.stringify(value, (_key, part) => (typeof part === "bigint" ? `${part}` : part)));

function replaceTexts(value: Json, replacements: Replacements): Json {
  if (typeof value === "string")
    return replacements.reduce((text, [from, to]) => (from === "" ? text : text.replaceAll(from, to)), value);
  if (Array.isArray(value)) return value.map((part) => replaceTexts(part, replacements));
  if (value === null || typeof value !== "object") return value;
  return mapValues(value, (part) => replaceTexts(part, replacements));
}

/** Absent, null, empty and zero mean the same to a runtime wherever one of the two has them here. */
function clean(value: Json): Json {
  if (Array.isArray(value)) return value.map(clean);
  if (value === null || typeof value !== "object") return value;
  const kept = Object.entries(value)
    .map(([key, part]) => [key, clean(part)] as const)
    .filter(([, part]) => part !== null && part !== false && !isEmpty(part))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(kept);
}

const isEmpty = (value: Json): boolean =>
  value !== null && typeof value === "object" && Object.keys(value).length === 0;

export interface Difference {
  /** Where in the normal form, as "linux.namespaces.network". */
  path: string;
  ours?: Json;
  peer?: Json;
}

/** All places where the two differ; lists are compared place by place. */
export function differences(ours: Json | undefined, peer: Json | undefined, path = ""): Difference[] {
  if (JSON.stringify(ours) === JSON.stringify(peer)) return [];
  const branches = (value: Json | undefined): value is Json[] | { [key: string]: Json } =>
    value !== null && typeof value === "object";
  if (!branches(ours) || !branches(peer) || Array.isArray(ours) !== Array.isArray(peer))
    return [{ path, ...(ours !== undefined && { ours }), ...(peer !== undefined && { peer }) }];
  const keys = [...new Set([...Object.keys(ours), ...Object.keys(peer)])];
  const at = (value: Json[] | { [key: string]: Json }, key: string) =>
    (value as { [key: string]: Json })[key] as Json | undefined;
  return keys.flatMap((key) =>
    differences(at(ours, key), at(peer, key), path === "" ? key : `${path}.${key}`),
  );
}
