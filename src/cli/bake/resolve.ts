// From what files say to what is built: which targets are meant, and each with all that it stands on.
import { applyOverrides, type Overrides, parseOverrides } from "./overrides.ts";
import { isPattern, matches } from "./pattern.ts";
import { type Group, mergeTarget, normalize, type Target } from "./target.ts";

export interface Config {
  groups: Group[];
  targets: Target[];
}

export interface Bake {
  groups: Map<string, Group>;
  targets: Map<string, Target>;
  /** Targets that only others need; nothing of them is put out. */
  linked: Set<string>;
}

/** Several of one name are one; groups' lists have each name once. */
export function merged(configs: Config[]): Config {
  const groups = new Map<string, Group>();
  const targets = new Map<string, Target>();
  for (const config of configs) {
    for (const group of config.groups) {
      const before = groups.get(group.name);
      groups.set(group.name, {
        ...before,
        ...group,
        targets: [...new Set([...(before?.targets ?? []), ...group.targets])],
      });
    }
    for (const target of config.targets) {
      const before = targets.get(target.name);
      if (before) mergeTarget(before, target);
      else targets.set(target.name, { ...target });
    }
  }
  return { groups: [...groups.values()], targets: [...targets.values()] };
}

/** Throws Errors with buildx's words. */
export function resolveBake(
  config: Config,
  wanted: readonly string[],
  set: readonly string[],
  environment: (name: string) => string | undefined,
): Bake {
  const names = [...new Set(wanted.flatMap((name) => matching(config, name.replaceAll(".", "_"))))];
  const overrides = parseOverrides(
    set,
    config.targets.map(({ name }) => name),
    environment,
  );
  const bake: Bake = { groups: new Map(), targets: new Map(), linked: new Set() };
  for (const name of names) {
    const { targets, groups } = members(config, name, new Set());
    for (const target of targets) bake.targets.set(target, resolved(config, target, overrides));
    for (const group of groups) {
      const found = config.groups.find((one) => one.name === group);
      if (found) bake.groups.set(group, found);
    }
  }
  nameDefaults(bake, names);
  for (const [name, target] of [...bake.targets]) loadLinks(config, bake, overrides, name, target, []);
  return bake;
}

function matching({ groups, targets }: Config, name: string): string[] {
  if (!isPattern(name)) return [name];
  const found = [...groups, ...targets].map((one) => one.name).filter((one) => matches(name, one));
  if (found.length === 0) throw new Error(`could not find any target matching ${JSON.stringify(name)}`);
  return found;
}

/** What was asked for is the group `default` of what is printed. */
function nameDefaults(bake: Bake, names: string[]): void {
  const before = bake.groups.get("default");
  const more = names.filter((name) => !(before && name === "default"));
  const targets = [...new Set([...(before?.targets ?? []), ...more])].sort();
  bake.groups.set("default", { ...before, name: "default", targets });
}

function members(config: Config, name: string, seen: Set<string>): { targets: string[]; groups: string[] } {
  const group = config.groups.find((one) => one.name === name);
  if (!group) return { targets: [name], groups: [] };
  if (seen.has(name)) return { targets: [], groups: [] };
  seen.add(name);
  const inner = group.targets.map((one) => members(config, one, seen));
  return {
    targets: [...new Set(inner.flatMap(({ targets }) => targets))],
    groups: [name, ...new Set(inner.flatMap(({ groups }) => groups))],
  };
}

function resolved(config: Config, name: string, overrides: Overrides): Target {
  const target = inherited(config, name, overrides, new Set());
  delete target.inherits;
  target.context ??= ".";
  target.dockerfile ||= "Dockerfile";
  return target;
}

function inherited(config: Config, name: string, overrides: Overrides, under: Set<string>): Target {
  const own = config.targets.find((one) => one.name === name);
  if (!own) throw new Error(`failed to find target ${name}`);
  under.add(name);
  const target: Target = { name };
  for (const parent of own.inherits ?? [])
    if (!under.has(parent)) mergeTarget(target, inherited(config, parent, overrides, under));
  mergeTarget(target, own);
  applyOverrides(target, overrides.get(name));
  normalize(target);
  under.delete(name);
  return target;
}

const LINK = "target:";

/** The names of targets that this one takes for contexts. */
export function linksOf({ contexts = {} }: Target): [context: string, target: string][] {
  return Object.entries(contexts).flatMap(([name, source]) =>
    source.startsWith(LINK) ? [[name, source.slice(LINK.length)] as [string, string]] : [],
  );
}

function loadLinks(
  config: Config,
  bake: Bake,
  overrides: Overrides,
  name: string,
  target: Target,
  above: readonly string[],
): void {
  const path = [...above, name];
  for (const [, other] of linksOf(target)) {
    if (other === name) throw new Error(`target ${other} cannot link to itself`);
    if (path.includes(other)) throw new Error(`infinite loop from ${name} to ${other}`);
    let found = bake.targets.get(other);
    if (!found) {
      found = resolved(config, other, overrides);
      found.output = [{ type: "cacheonly", destination: "", attributes: {} }];
      bake.linked.add(other);
      bake.targets.set(other, found);
    }
    loadLinks(config, bake, overrides, other, found, path);
    const rights = new Set([...(target.entitlements ?? []), ...(found.entitlements ?? [])]);
    if (rights.size > 0) target.entitlements = [...rights];
    const [own = [], theirs = []] = [target.platforms, found.platforms];
    if (own.length > 1 && theirs.length > 1 && !own.every((one) => theirs.includes(one)))
      throw new Error(
        `target ${other} can't be used by ${name} because its platforms [${own.join(" ")}] are not a subset of [${theirs.join(" ")}]`,
      );
  }
}
