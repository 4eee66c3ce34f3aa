import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { BuildHistoryRecordSchema } from "../../buildkit/messages/control_pb.ts";
import { historyFilter } from "./filters.ts";

const NOW = Date.parse("2026-11-30T12:00:00Z");
const at = (text: string, nanos = 0) => ({ seconds: BigInt(Date.parse(text) / 1000), nanos });

const RECORDS = [
  create(BuildHistoryRecordSchema, {
    ref: "running1",
    createdAt: at("2026-11-30T11:59:30Z"),
    frontendAttrs: { context: "https://host/group/repo.git#main:sub" },
  }),
  create(BuildHistoryRecordSchema, {
    ref: "good2",
    createdAt: at("2026-11-30T11:00:00Z"),
    completedAt: at("2026-11-30T11:00:01Z", 500_000_000),
    frontendAttrs: { "vcs:source": "https://host/other.git" },
  }),
  create(BuildHistoryRecordSchema, {
    ref: "bad3",
    createdAt: at("2026-11-29T11:00:00Z"),
    completedAt: at("2026-11-29T11:05:00Z"),
    error: { code: 2, message: "exit code: 3" },
  }),
  create(BuildHistoryRecordSchema, {
    ref: "left4",
    createdAt: at("2026-11-30T10:00:00Z"),
    completedAt: at("2026-11-30T10:00:02Z"),
    error: { code: 1, message: "failed: context canceled" },
  }),
];

test.each<[string[], string[]]>([
  [[], ["running1", "good2", "bad3", "left4"]],
  [["status==running"], ["running1"]],
  [["status==completed"], ["good2"]],
  [["status==error"], ["bad3"]],
  [["status==canceled"], ["left4"]],
  [["status!=error"], ["running1", "good2", "left4"]],
  [
    ["status==error", "status==canceled"],
    ["bad3", "left4"],
  ],
  [["ref~=^b.d"], ["bad3"]],
  [["ref==good2"], ["good2"]],
  [['"ref==good2"'], ["good2"]],
  [["repository~=host/group"], ["running1"]],
  [["repository==https://host/other.git"], ["good2"]],
  [["repository!=https://host/other.git"], ["running1", "bad3", "left4"]],
  [["repository"], ["running1", "good2"]],
  [["startedAt>30m"], ["running1"]],
  [["startedAt<30m"], ["good2", "bad3", "left4"]],
  [["startedAt>=2026-11-30T11:00:00Z"], ["running1", "good2"]],
  [["startedAt<=2026-11-30T12:00:00+01:00"], ["good2", "bad3", "left4"]],
  [["completedAt<24h"], ["running1", "bad3"]],
  [["duration>1500ms"], ["bad3", "left4"]],
  [["duration>=1500ms,status==completed"], ["good2"]],
  [["duration<1.5s"], ["running1"]],
])("%j", (filters, found) => {
  const matches = historyFilter(filters, NOW);
  expect(RECORDS.filter(matches).map(({ ref }) => ref)).toEqual(found);
});

test.each([
  ["startedAt>yesterday", "invalid time yesterday"],
  ["duration>much", "invalid duration much"],
  ["status=error", "failed to parse history filters status=error: parse error"],
  // A line of values has its quotation marks around whole terms.
  ['ref=="good2"', 'bare " in non-quoted-field'],
  ["ref~=(", "failed to parse history filters ref~=(: "],
])("%s is refused", (filter, text) => {
  expect(() => historyFilter([filter], NOW)).toThrow(text);
});
