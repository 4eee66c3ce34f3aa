// A resolved target as `build` would be asked for it: the same flags, so both mean the same by them.
import { join } from "node:path";
import { isRemoteAddress } from "../../sdk/index.ts";
import { csvOf } from "../build-options/csv-keys.ts";
import { buildFlags } from "../build-options/flags.ts";
import { outputsOf } from "../build-options/outputs.ts";
import { secretsOf } from "../build-options/secrets.ts";
import { type BuildFlags, type BuildOrder, buildOrder, parseValues } from "../build-options/spec.ts";
import { parseAnnotation } from "../build-options/values.ts";
import { parseUlimit } from "../container-options/resources.ts";
import { parseRam } from "../format/units.ts";
import type { Session } from "../session.ts";
import type { Target } from "./target.ts";

type Pairs = [string, string][];
const pairs = (type: string, attributes: Record<string, string>, more: Pairs = []): string =>
  csvOf([["type", type], ...more, ...(Object.entries(attributes) as Pairs)]);
const keyed = (map: Record<string, string> | undefined, separator = "=") =>
  Object.entries(map ?? {}).map(([key, value]) => `${key}${separator}${value}`);

/** `cwd://x` is x of the folder where the command is called, as other paths are. */
const local = (path: string) => path.replace(/^cwd:\/\//, "") || ".";

const INITIAL = Object.fromEntries(
  Object.entries(buildFlags)
    .filter(([, flag]) => !("aliasOf" in flag && flag.aliasOf))
    .map(([name, { initial }]) => [name, initial]),
) as BuildFlags;

/** Where the context and the Dockerfile are. Throws for standard input, which belongs to the bake file. */
export function placesOf(target: Target): { context: string; dockerfile: string } {
  const { context = ".", dockerfile = "Dockerfile" } = target;
  if (context === "-") throw new Error("context from stdin not allowed in bake");
  if (dockerfile === "-") throw new Error("dockerfile from stdin not allowed in bake");
  const place = local(context);
  if (isRemoteAddress(place))
    return { context: place, dockerfile: dockerfile === "Dockerfile" ? "" : dockerfile };
  if (/^cwd:/.test(dockerfile)) return { context: place, dockerfile: local(dockerfile) };
  const isElsewhere = dockerfile.startsWith("/") || isRemoteAddress(dockerfile);
  return { context: place, dockerfile: isElsewhere ? dockerfile : join(place, dockerfile) };
}

function flagsOf(target: Target, dockerfile: string): BuildFlags {
  const contexts = Object.fromEntries(
    Object.entries(target.contexts ?? {}).map(([name, source]) => [name, local(source)]),
  );
  return {
    ...INITIAL,
    file: dockerfile,
    "build-arg": keyed(target.args),
    label: keyed(target.labels),
    "build-context": keyed(contexts),
    "add-host": keyed(target["extra-hosts"]),
    annotation: target.annotations ?? [],
    tag: target.tags ?? [],
    target: target.target ?? "",
    platform: target.platforms ?? [],
    pull: target.pull ?? false,
    "no-cache": target["no-cache"] ?? false,
    "no-cache-filter": target["no-cache-filter"] ?? [],
    network: target.network || "default",
    "shm-size": shmSize(target["shm-size"]),
    ulimit: (target.ulimits ?? []).map((text) => {
      const { Name, Soft, Hard } = parseUlimit(text);
      return `${Name}=${Soft}:${Hard}`;
    }),
    call: target.call ?? "build",
    allow: target.entitlements ?? [],
    attest: (target.attest ?? []).map(({ type, disabled, attributes }) =>
      pairs(type, attributes, disabled ? [["disabled", "true"]] : []),
    ),
    "cache-from": (target["cache-from"] ?? []).map(({ type, attributes }) => pairs(type, attributes)),
    "cache-to": (target["cache-to"] ?? []).map(({ type, attributes }) => pairs(type, attributes)),
    output: (target.output ?? []).map(({ type, destination, attributes }) =>
      pairs(type, attributes, destination ? [["dest", destination]] : []),
    ),
    secret: (target.secret ?? []).map(({ id, file, env }) =>
      csvOf([["id", id], ...(file ? [["src", file]] : []), ...(env ? [["env", env]] : [])] as Pairs),
    ),
    ssh: (target.ssh ?? []).map(({ id, paths }) => (paths.length > 0 ? `${id}=${paths.join(",")}` : id)),
  };
}

function shmSize(text: string | undefined): number {
  if (text === undefined) return 0;
  try {
    return parseRam(text);
  } catch {
    throw new Error(`invalid value ${text} for membytes key shm-size`);
  }
}

/** What `--print` looks at: options, secrets and where results go; not the context. Throws Errors with buildx's words. */
export async function checkTarget(target: Target): Promise<void> {
  const flags = flagsOf(target, placesOf(target).dockerfile);
  outputsOf(parseValues(flags).outputs);
  flags.annotation.forEach(parseAnnotation);
  await secretsOf(flags.secret);
}

/** Looks at what the target names on this host. Throws Errors with buildx's words. */
export async function orderOf(session: Session, target: Target): Promise<BuildOrder> {
  const { context, dockerfile } = placesOf(target);
  const flags = flagsOf(target, target["dockerfile-inline"] === undefined ? dockerfile : "");
  const order = await buildOrder(session, context, flags, parseValues(flags));
  const inline = target["dockerfile-inline"];
  if (inline === undefined) return order;
  return {
    ...order,
    dockerfile: "inline",
    spec: { ...order.spec, dockerfile: { kind: "text", text: inline } },
  };
}
