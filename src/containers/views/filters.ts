// Which containers `docker ps` lists: `--filter`, `-a`, `-n`; the semantics are those of moby's daemon/list.go.
import type { ContainerSummary } from "../../api/types/index.ts";
import { invalid } from "../../base/errors.ts";
import type { Health } from "../health/rules.ts";
import type { Records } from "../records.ts";
import { startedAtOf } from "../state-machine.ts";
import type { ContainerId, ContainerRecord } from "../types.ts";
import { exitCodeOf, isRunning } from "./status-text.ts";

/** A filter's values are alternatives, except for labels, which must all match. */
export type Filters = Record<string, string[]>;

const ACCEPTED = new Set(
  "ancestor before exited id isolation label name status health since volume network is-task publish expose".split(
    " ",
  ),
);
const STATUSES = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
const HEALTHS = ["none", "starting", "healthy", "unhealthy"];

export interface Selection {
  all: boolean;
  /** The newest so many, whatever their state; 0: no limit. */
  limit: number;
  filters: Filters;
}

/** What a filter needs to know beyond the record. */
export interface SelectionContext {
  records: Records;
  /** Image ids that an `ancestor` value stands for: the image itself and what was built upon it. */
  ancestors: (reference: string) => Promise<ReadonlySet<string>>;
  health: (id: ContainerId) => Health | undefined;
  /** Networks, ports and mounts as the API shows them. */
  summarise: (record: ContainerRecord) => ContainerSummary;
}

/** Newest first. Errors: invalid, for a filter or a value that doesn't exist. */
export async function selectContainers(
  { all, limit, filters }: Selection,
  context: SelectionContext,
): Promise<ContainerRecord[]> {
  checkFilters(filters, ACCEPTED);
  const keep = await predicates(filters, context);
  const everyState = all || limit > 0 || has(filters, "status");
  const before = anchor(filters.before, context.records);
  const since = anchor(filters.since, context.records);
  const selected: ContainerRecord[] = [];
  let passed = before === undefined;
  for (const record of context.records.all()) {
    if (!passed) {
      passed = record.id === before?.id;
      continue;
    }
    if (record.id === since?.id) break;
    if (!everyState && !isRunning(record.state)) continue;
    if (!keep.every((test) => test(record))) continue;
    if (limit > 0 && selected.length === limit) break;
    selected.push(record);
  }
  return selected;
}

/** Refuses filters that a list doesn't know, in Docker's words. */
export function checkFilters(filters: Filters, accepted: ReadonlySet<string>): void {
  for (const name of Object.keys(filters)) if (!accepted.has(name)) throw invalid(`invalid filter '${name}'`);
}

type Test = (record: ContainerRecord) => boolean;

async function predicates(filters: Filters, context: SelectionContext): Promise<Test[]> {
  const tests: Test[] = [];
  const add = (name: string, make: (values: string[]) => Test) => {
    if (has(filters, name)) tests.push(make(filters[name] as string[]));
  };
  add("id", (values) => (record) => values.some((value) => matches(value, record.id)));
  add(
    "name",
    (values) =>
      ({ name }) =>
        values.some((value) => matches(value, `/${name}`) || matches(value, name)),
  );
  add(
    "label",
    (values) => (record) => values.every((value) => matchesLabel(value, record.config.Labels ?? {})),
  );
  add("status", statusTest);
  add("health", (values) => healthTest(values, context));
  add("exited", exitedTest);
  add("is-task", (values) => {
    const wanted = values.map((value) => booleanOf(value));
    return () => wanted.includes(false); // a task belongs to a swarm's service; we have none
  });
  add("isolation", (values) => () => values.includes("default") || values.includes(""));
  if (has(filters, "ancestor")) {
    const sets = await Promise.all((filters.ancestor as string[]).map((value) => context.ancestors(value)));
    tests.push((record) => sets.some((set) => set.has(record.imageId)));
  }
  add(
    "volume",
    (values) =>
      ({ mounts }) =>
        mounts.some((mount) => values.includes(mount.destination) || values.includes(mount.source)),
  );
  add("network", (values) => (record) => {
    const networks = context.summarise(record).NetworkSettings?.Networks ?? {};
    return values.some(
      (value) =>
        value in networks ||
        Object.values(networks).some((network) => value !== "" && network.NetworkID?.startsWith(value)),
    );
  });
  if (has(filters, "publish") || has(filters, "expose")) tests.push(portTest(filters, context));
  return tests;
}

function statusTest(values: string[]): Test {
  for (const value of values)
    if (!STATUSES.includes(value))
      throw invalid(
        `invalid filter 'status=${value}': invalid value for state (${value}): must be one of ${STATUSES.join(", ")}`,
      );
  return (record) => values.includes(record.state.status);
}

function healthTest(values: string[], { health }: SelectionContext): Test {
  for (const value of values)
    if (!HEALTHS.includes(value))
      throw invalid(
        `invalid filter 'health=${value}': invalid value for health (${value}): must be one of ${HEALTHS.join(", ")}`,
      );
  return ({ id }) => values.includes(health(id)?.status ?? "none");
}

function exitedTest(values: string[]): Test {
  const codes = values.map((value) => {
    if (!/^[+-]?\d+$/.test(value))
      throw invalid(`invalid filter 'exited=${value}': strconv.Atoi: parsing "${value}": invalid syntax`);
    return Number(value);
  });
  return ({ state }) =>
    !isRunning(state) && startedAtOf(state) !== undefined && codes.includes(exitCodeOf(state));
}

function portTest(filters: Filters, context: SelectionContext): Test {
  const published = portSet("publish", filters.publish ?? []);
  const exposed = portSet("expose", filters.expose ?? []);
  return (record) =>
    (context.summarise(record).Ports ?? []).some(
      (port) =>
        published.has(`${port.PublicPort ?? 0}/${port.Type}`) ||
        exposed.has(`${port.PrivatePort}/${port.Type}`),
    );
}

function portSet(name: string, values: string[]): Set<string> {
  const ports = new Set<string>();
  for (const value of values) {
    if (value.includes(":")) throw invalid(`filter for '${name}' should not contain ':': ${value}`);
    const [range = "", protocol = ""] = value.split("/");
    const [first, last] = portRange(range, `error while looking up for ${name} ${value}: `);
    for (let port = first; port <= last; port++) ports.add(`${port}/${protocol.toLowerCase() || "tcp"}`);
  }
  return ports;
}

/** `80` or `80-90`; what is neither is refused in the words of Go's nat and strconv. */
function portRange(text: string, what: string): [first: number, last: number] {
  if (text === "") throw invalid(`${what}Empty string specified for ports.`);
  const [first = "", last = first] = text.split("-");
  for (const number of [first, last]) {
    const problem = !/^\d+$/.test(number)
      ? "invalid syntax"
      : Number(number) > 65535
        ? "value out of range"
        : "";
    if (problem) throw invalid(`${what}strconv.ParseUint: parsing ${JSON.stringify(number)}: ${problem}`);
  }
  if (Number(last) < Number(first)) throw invalid(`${what}Invalid range specified for the Port: ${text}`);
  return [Number(first), Number(last)];
}

/** The container that `before` or `since` names. Errors: not-found. */
function anchor(values: string[] | undefined, records: Records): ContainerRecord | undefined {
  let found: ContainerRecord | undefined;
  for (const value of values ?? []) found = records.find(value);
  return found;
}

/** "key" is there, or "key=value" is so. */
export function matchesLabel(wanted: string, labels: Record<string, string>): boolean {
  const at = wanted.indexOf("=");
  if (at < 0) return wanted in labels;
  return labels[wanted.slice(0, at)] === wanted.slice(at + 1);
}

/** As Docker: a regular expression, found anywhere; what isn't one is compared. */
function matches(pattern: string, text: string): boolean {
  if (pattern === text) return true;
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return false;
  }
}

function booleanOf(value: string): boolean {
  if (["1", "true"].includes(value.toLowerCase())) return true;
  if (["0", "false"].includes(value.toLowerCase())) return false;
  throw invalid(`invalid filter 'is-task=[${value}]'`);
}

const has = (filters: Filters, name: string): boolean => (filters[name]?.length ?? 0) > 0;
