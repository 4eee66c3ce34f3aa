// Docker's legacy links (`--link NAME:ALIAS` on the default bridge): the other container's addresses in /etc/hosts, its ports and
// variables in the environment, and a name PARENT/ALIAS for it. On other networks a link is the endpoint's.
import type { HostConfig } from "../api/types/index.ts";
import { BerthError, invalid, messageOf, notFound } from "../base/errors.ts";
import { type ContainerRecord, updateRecord } from "../containers/index.ts";
import { editContainerFile } from "./network-files.ts";
import type { Engine } from "./types.ts";

type Links = NonNullable<ContainerRecord["links"]>;

/** What `--link` names, by id, so that a later rename changes nothing; of two with one alias the first. Errors: invalid, not-implemented. */
export function resolveLinks(engine: Engine, { Links: asked, NetworkMode: mode = "" }: HostConfig): Links {
  // Of a user-defined network the endpoint has them, and the name server answers.
  if (
    mode !== "" &&
    mode !== "default" &&
    mode !== "bridge" &&
    mode !== "host" &&
    mode !== "none" &&
    !mode.startsWith("container:")
  )
    return [];
  const links = (asked ?? []).map((text): Links[number] => {
    const [name = "", alias = name.replace(/^\//, ""), ...more] = text.split(":");
    if (text === "") throw invalid("empty string specified for links");
    if (name === "" || more.length > 0) throw invalid(`bad format for links: ${text}`);
    try {
      const other = engine.containers.find(name);
      if (other.hostConfig.NetworkMode === "host")
        throw invalid(
          "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
        );
      // `--link PARENT/ALIAS` of another's link: the alias alone is the name.
      return { alias: alias.split("/").at(-1) ?? alias, id: other.id, name: other.name };
    } catch (error) {
      if (!(error instanceof BerthError) || error.kind !== "not-found") throw error;
      throw invalid(`could not get container for ${name}: ${messageOf(error)}`, error);
    }
  });
  return links.filter(({ alias }, at) => links.findIndex((other) => other.alias === alias) === at);
}

/** The linked container's endpoint on the bridge. Errors: invalid when it doesn't run, as Docker's start. */
function endpointOf(engine: Engine, parent: ContainerRecord, link: Links[number]) {
  const child = engine.containers.get(link.id);
  const { status } = child?.state ?? {};
  const endpoint = engine.networks.status(link.id)?.endpoints.bridge;
  if (!child || (status !== "running" && status !== "paused") || !endpoint)
    throw invalid(
      `Cannot link to a non running container: /${child?.name ?? link.name} AS /${parent.name}/${link.alias}`,
    );
  return { child, addresses: [endpoint.IPAddress, endpoint.GlobalIPv6Address].filter(Boolean) as string[] };
}

/** The names of a linked container in /etc/hosts: alias, host name, and its own name. */
const namesOf = ({ alias }: Links[number], { config, name }: ContainerRecord): string =>
  [alias, config.Hostname ?? "", ...(alias === name ? [] : [name])].join(" ");

/** Lines for /etc/hosts, as `--add-host` has them. Errors: invalid. */
export const linkHosts = (engine: Engine, record: ContainerRecord): string[] =>
  (record.links ?? []).flatMap((link) => {
    const { child, addresses } = endpointOf(engine, record, link);
    return addresses.map((address) => `${namesOf(link, child)}:${address}`);
  });

/**
 * ALIAS_PORT, ALIAS_PORT_80_TCP and its kin, ALIAS_NAME, ALIAS_ENV_*. For an exec (`running`) those that have ended since
 * are left out. Errors: invalid.
 */
export const linkEnvironment = (engine: Engine, record: ContainerRecord, running = false): string[] =>
  (record.links ?? []).flatMap((link) => {
    if (running && !engine.networks.status(link.id)?.endpoints.bridge) return [];
    const { child, addresses } = endpointOf(engine, record, link);
    const ports = [
      ...new Set([
        ...Object.keys(child.config.ExposedPorts ?? {}),
        ...Object.keys(child.hostConfig.PortBindings ?? {}),
      ]),
    ];
    return linkVariables(
      { alias: link.alias, name: `/${record.name}/${link.alias}`, address: addresses[0] ?? "" },
      ports,
      child.config.Env ?? [],
    );
  });

/** Pure; the form of Docker's links package. */
export function linkVariables(
  { alias, name, address }: { alias: string; name: string; address: string },
  ports: readonly string[],
  environment: readonly string[],
): string[] {
  const prefix = alias.replaceAll("-", "_").toUpperCase();
  const list = ports
    .map((text) => {
      const [number = "", protocol = "tcp"] = text.split("/");
      return { number: Number(number), protocol: protocol || "tcp" };
    })
    .sort((a, b) => a.number - b.number || (a.protocol < b.protocol ? -1 : 1));
  const url = ({ number, protocol }: (typeof list)[number]) => `${protocol}://${address}:${number}`;
  const variables: string[] = [];
  const [first] = list;
  if (first) variables.push(`${prefix}_PORT=${url(first)}`);
  for (const range of ranges(list)) {
    const [from, to] = [range[0], range.at(-1)];
    if (!from || !to || range.length < 3) continue;
    const key = `${prefix}_PORT_${from.number}_${from.protocol.toUpperCase()}`;
    variables.push(
      `${key}_START=${url(from)}`,
      `${key}_ADDR=${address}`,
      `${key}_PROTO=${from.protocol}`,
      `${key}_PORT_START=${from.number}`,
      `${key}_END=${url(to)}`,
      `${key}_PORT_END=${to.number}`,
    );
  }
  for (const port of list) {
    const key = `${prefix}_PORT_${port.number}_${port.protocol.toUpperCase()}`;
    variables.push(
      `${key}=${url(port)}`,
      `${key}_ADDR=${address}`,
      `${key}_PORT=${port.number}`,
      `${key}_PROTO=${port.protocol}`,
    );
  }
  variables.push(`${prefix}_NAME=${name}`);
  for (const entry of environment) {
    const at = entry.indexOf("=");
    const key = entry.slice(0, at);
    if (at > 0 && key !== "HOME" && key !== "PATH") variables.push(`${prefix}_ENV_${entry}`);
  }
  return variables;
}

/** Ports that follow each other by number. */
function ranges<T extends { number: number }>(list: readonly T[]): T[][] {
  const found: T[][] = [];
  for (const port of list) {
    const last = found.at(-1);
    if (last?.at(-1)?.number === port.number - 1) last.push(port);
    else found.push([port]);
  }
  return found;
}

/** As inspect shows them: `/other:/own/alias`; null when there are none. */
export function shownLinks(engine: Engine, { name, links = [] }: ContainerRecord): string[] | null {
  if (links.length === 0) return null;
  return links
    .map((link) => `/${engine.containers.get(link.id)?.name ?? link.name}:/${name}/${link.alias}`)
    .sort();
}

/** The names that other containers' links give this one: `/parent/alias`. */
export function linkNames(engine: Engine, id: string): string[] {
  return engine.containers.records
    .linkersOf(id)
    .flatMap(({ name, links = [] }) =>
      links.filter((link) => link.id === id).map(({ alias }) => `/${name}/${alias}`),
    );
}

/** `rm --link PARENT/ALIAS`: the link goes, the containers stay. Errors: not-found, invalid. */
export function removeLink(engine: Engine, reference: string): void {
  const [parent = "", alias, ...more] = reference.replace(/^\//, "").split("/");
  if (alias === undefined || more.length > 0) {
    engine.containers.find(reference);
    throw invalid("Conflict, cannot remove the default link name of the container");
  }
  const record = engine.containers.find(parent);
  const links = record.links ?? [];
  if (!links.some((link) => link.alias === alias)) throw notFound(`No such container: ${reference}`);
  updateRecord(engine.containers, record.id, { links: links.filter((link) => link.alias !== alias) });
}

/** A container that came up (again) has new addresses: written into the files of those that link to it and run. */
export function refreshLinkers(engine: Engine, id: string): void {
  for (const record of engine.containers.records.linkersOf(id)) {
    const { status } = record.state;
    if (record.id === id || (status !== "running" && status !== "paused")) continue;
    editContainerFile(engine, record.id, "hosts", (text) => withLinks(engine, record, id, text));
  }
}

/** A hosts file with the present addresses of what a link to `id` names, in the places of those before. */
function withLinks(engine: Engine, record: ContainerRecord, id: string, text: string): string {
  let lines = text.split("\n");
  for (const link of record.links?.filter((each) => each.id === id) ?? []) {
    const { child, addresses } = endpointOf(engine, record, link);
    // Its own name may be another by now.
    const ours = (line: string) => line.split("\t")[1]?.startsWith(`${link.alias} ${child.config.Hostname}`);
    const at = lines.findIndex(ours);
    if (at < 0) continue;
    lines = lines.filter((line) => !ours(line));
    lines.splice(at, 0, ...addresses.map((address) => `${address}\t${namesOf(link, child)}`));
  }
  return lines.join("\n");
}
