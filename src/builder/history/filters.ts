// Filters of a history's listener (BuildKit, solver/llbsolver/history.go; containerd, pkg/filters): each a line of comma-separated
// terms that all hold, `status==error,startedAt>2h`; of several filters one has to.
import { invalid, messageOf } from "../../base/errors.ts";
import type { BuildHistoryRecord } from "../../buildkit/messages/control_pb.ts";
import { csvFields } from "../dockerfile/instructions/csv.ts";
import { parseDuration } from "../dockerfile/instructions/duration.ts";
import { parseGitSource } from "../dockerfile/plan/git-source.ts";

export type RecordFilter = (record: BuildHistoryRecord) => boolean;

/** Errors: invalid, for what can't be read. */
export function historyFilter(filters: readonly string[], now = Date.now()): RecordFilter {
  const any = filters.map((text) => {
    const all = csvFields(text).map((term) => timeTerm(term, now) ?? textTerm(term.trim(), text));
    return (record: BuildHistoryRecord) => all.every((holds) => holds(record));
  });
  return (record) => any.length === 0 || any.some((holds) => holds(record));
}

const TIMES = ["startedAt", "completedAt", "duration"];

/** Undefined: it is of another kind. Times count in whole seconds, durations exactly. */
function timeTerm(term: string, now: number): RecordFilter | undefined {
  const sign = [">=", "<=", ">", "<"].find((each) => term.includes(each));
  if (!sign) return undefined;
  const at = term.indexOf(sign);
  const [key, value] = [term.slice(0, at), term.slice(at + sign.length)];
  if (!TIMES.includes(key)) return undefined;
  const limit = key === "duration" ? durationOf(value) : momentOf(value, now);
  return (record) => {
    const own = timeOf(record, key);
    if (sign === ">=") return own >= limit;
    if (sign === "<=") return own <= limit;
    return sign === ">" ? own > limit : own < limit;
  };
}

function durationOf(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    throw invalid(`invalid duration ${text}`);
  }
}

/** Seconds since 1970: a time, or how long ago it is. */
function momentOf(text: string, now: number): number {
  try {
    return Math.floor((now - parseDuration(text) / 1e6) / 1000);
  } catch {
    const time = /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(time)) throw invalid(`invalid time ${text}`);
    return Math.floor(time / 1000);
  }
}

/** 0 for what has not come to its end. */
function timeOf({ createdAt, completedAt }: BuildHistoryRecord, key: string): number {
  if (key === "startedAt") return Number(createdAt?.seconds ?? 0n);
  if (key === "completedAt") return Number(completedAt?.seconds ?? 0n);
  if (!createdAt || !completedAt) return 0;
  return Number(completedAt.seconds - createdAt.seconds) * 1e9 + completedAt.nanos - createdAt.nanos;
}

const TERM = /^([A-Za-z_][\w-]*)(?:(==|!=|~=)(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?$/;

function textTerm(term: string, whole: string): RecordFilter {
  if (term === "") return () => true;
  const [, key = "", sign, quoted, bare = ""] = TERM.exec(term) ?? [];
  if (key === "") throw invalid(`failed to parse history filters ${whole}: parse error: [${term}]`);
  const value = quoted?.replace(/\\(.)/g, "$1") ?? bare;
  const matches = sign === "~=" ? patternOf(value, whole) : undefined;
  return (record) => {
    const own = fieldOf(record, key);
    if (sign === "==") return own === value;
    if (sign === "!=") return (own ?? "") !== value;
    return own !== undefined && (matches === undefined || matches.test(own));
  };
}

function patternOf(text: string, whole: string): RegExp {
  try {
    return new RegExp(text);
  } catch (thrown) {
    throw invalid(`failed to parse history filters ${whole}: ${messageOf(thrown)}`, thrown);
  }
}

/** Undefined: the record hasn't got it. */
function fieldOf(record: BuildHistoryRecord, key: string): string | undefined {
  if (key === "ref") return record.ref;
  if (key === "status") return statusOf(record);
  return key === "repository" ? repositoryOf(record.frontendAttrs) : undefined;
}

function statusOf({ completedAt, error }: BuildHistoryRecord): string {
  if (!completedAt) return "running";
  if (!error) return "completed";
  return error.message.includes("context canceled") ? "canceled" : "error";
}

function repositoryOf({ "vcs:source": source, context }: Record<string, string>): string | undefined {
  if (source !== undefined) return source;
  try {
    return context === undefined ? undefined : parseGitSource(context)?.remote;
  } catch {
    return undefined;
  }
}
