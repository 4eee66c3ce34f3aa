// The builds of the history, as people ask for them: by reference, by how long ago (`^1`), by filters.
import { type BuildRecord, parseGitAddress } from "../../sdk/index.ts";
import { parseDuration } from "../framework/flags.ts";
import type { Session } from "../session.ts";

/** As many that have ended as buildx shows. */
const MOST = 50;

/** The newest first. `^N` is the build N before the last one. */
export async function findRecords(
  session: Session,
  ref: string,
  filters: string[] = [],
): Promise<BuildRecord[]> {
  const offset = ref.startsWith("^") ? Number(ref.slice(1)) : undefined;
  if (Number.isNaN(offset))
    throw new Error(
      `invalid offset ${JSON.stringify(ref)}: strconv.Atoi: parsing ${JSON.stringify(ref.slice(1))}: invalid syntax`,
    );
  const matches = filters.map(recordFilter);
  const { builder } = await session.client();
  // Neither filters nor a limit are the daemon's: Docker 28's ends when it sorts records of which one was removed while
  // somebody read it (BuildKit 0.25, filterHistoryEvents).
  const found = await builder.history({
    ref: offset === undefined ? ref.slice(ref.lastIndexOf("/") + 1) : "",
  });
  const matching = found.filter((record) => matches.every((match) => match(record)));
  const last = new Set(matching.filter(({ completed }) => completed !== undefined).slice(0, MOST));
  const records = matching.filter((record) => record.completed === undefined || last.has(record));
  if (offset === undefined) return records;
  const record = records[offset];
  if (!record)
    throw new Error(`no completed build found with offset ${offset - Math.min(offset, records.length)}`);
  return [record];
}

/** The one record that is asked for: the last one where nothing is. `ended`: running builds don't count. */
export async function oneRecord(session: Session, ref: string, ended = false): Promise<BuildRecord> {
  const record = (await findRecords(session, ref)).find(({ completed }) => !ended || completed !== undefined);
  if (record) return record;
  throw new Error(ref ? `no record found for ref ${JSON.stringify(ref)}` : "no records found");
}

/** In the words of buildx's history commands. */
export function atMost(count: number, args: string[]): void {
  if (args.length > count) throw new Error(`accepts at most ${count} arg(s), received ${args.length}`);
}

export function statusOf({ completed, error }: BuildRecord): "Running" | "Error" | "Completed" {
  if (completed === undefined) return "Running";
  return error === undefined ? "Completed" : "Error";
}

type RecordFilter = (record: BuildRecord) => boolean;

/** `status=error`, `ref=abc`, `repository=…`, `startedAt>2h`, `duration>1m`. */
export function recordFilter(text: string): RecordFilter {
  const [, key = "", sign = "", value = ""] = /^([^!=<>]+)(!=|=|<=|<|>=|>)(.*)$/s.exec(text) ?? [];
  if (!sign) throw new Error(`invalid filter ${JSON.stringify(text)}`);
  if (["ref", "repository", "status"].includes(key)) {
    if (sign !== "=" && sign !== "!=")
      throw new Error(`invalid separator for ${JSON.stringify(text)}, expected = or !=`);
    return (record) => {
      const own = textOf(record, key);
      if (sign === "!=") return own !== value;
      return key === "status" ? own === value : own.includes(value);
    };
  }
  if (!["startedAt", "completedAt", "duration"].includes(key))
    throw new Error(`unsupported filter ${JSON.stringify(text)}`);
  if (sign === "=" || sign === "!=")
    throw new Error(`invalid separator for ${JSON.stringify(text)}, expected <=, <, >= or >`);
  const limit = key === "duration" ? lengthOf(value) : momentOf(value);
  return (record) => {
    const own = secondsOf(record, key);
    if (sign === "<") return own < limit;
    if (sign === "<=") return own <= limit;
    return sign === ">" ? own > limit : own >= limit;
  };
}

function textOf(record: BuildRecord, key: string): string {
  if (key === "ref") return record.ref;
  if (key === "repository") {
    const { "vcs:source": source, context = "" } = record.attributes;
    return source ?? (parseGitAddress(context) ? (context.split("#")[0] ?? "") : "");
  }
  if (record.error?.includes("context canceled")) return "canceled";
  return statusOf(record).toLowerCase();
}

function secondsOf({ created, completed }: BuildRecord, key: string): number {
  const end = completed === undefined ? Date.now() / 1000 : Number(completed) / 1e9;
  if (key === "startedAt") return Math.floor(Number(created) / 1e9);
  return key === "completedAt" ? Math.floor(end) : end - Number(created) / 1e9;
}

function lengthOf(text: string): number {
  try {
    return parseDuration(text) / 1e9;
  } catch {
    throw new Error(`invalid duration ${text}`);
  }
}

/** A time, or how long ago it is. */
function momentOf(text: string): number {
  try {
    return Math.floor(Date.now() / 1000 - parseDuration(text) / 1e9);
  } catch {
    const time = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(time)) throw new Error(`invalid time ${text}`);
    return Math.floor(time / 1000);
  }
}
