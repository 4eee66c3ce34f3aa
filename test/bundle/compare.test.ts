// Our config.json beside the peer's, for each case: every difference is written down in the case with its reason, and
// every one that is written down is there. Recorded by capture.ts; this needs no peer.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  CASES,
  type Case,
  caseNames,
  ourSpec,
  RECORDED,
  type RecordedHost,
  type Recording,
  read,
} from "./case.ts";
import { differences, type Json } from "./normal-form.ts";

const host = read<RecordedHost>(join(RECORDED, "host.json"));

/**
 * The recorded peer is Docker 28.5. Since 29 the default profile refuses AF_ALG (38) too (moby/profiles, seccomp
 * v0.2.1), and so does ours.
 */
const NOW: Record<string, string[]> = {
  "socket SCMP_ACT_ALLOW 0 SCMP_CMP_NE 40 0": [
    "socket SCMP_ACT_ALLOW 0 SCMP_CMP_EQ 39 0",
    "socket SCMP_ACT_ALLOW 0 SCMP_CMP_GT 40 0",
    "socket SCMP_ACT_ALLOW 0 SCMP_CMP_LT 38 0",
  ],
};

function asOfNow(seccomp: Json): Json {
  const { syscalls } = seccomp as { syscalls?: string[] };
  if (!syscalls) return seccomp;
  return { ...(seccomp as object), syscalls: syscalls.flatMap((line) => NOW[line] ?? [line]).sort() };
}

function recordingOf(name: string): Recording {
  const recording = read<Recording>(join(RECORDED, `${name}.json`));
  const spec = recording.spec as { linux: { seccomp?: string } };
  const seccomp = spec.linux.seccomp ? asOfNow(read<Json>(join(RECORDED, spec.linux.seccomp))) : undefined;
  return {
    ...recording,
    spec: { ...spec, linux: { ...spec.linux, ...(seccomp !== undefined && { seccomp }) } } as Json,
  };
}

describe(`config.json beside that of ${host.peer}`, () => {
  for (const name of caseNames()) {
    const each = read<Case>(join(CASES, `${name}.json`));
    test(`${name}: docker run ${each.options}`, () => {
      const recording = recordingOf(name);
      const ours = ourSpec(each, host, recording.facts);
      const known = each.differences.map(({ reason, ...difference }) => difference);
      expect(differences(ours.spec, recording.spec)).toEqual(known);
      expect(each.differences.filter(({ reason }) => reason.length < 20)).toEqual([]);
      expect(ours.warnings).toEqual(recording.warnings);
    });
  }

  test("there are at least 30 cases", () => {
    expect(caseNames().length).toBeGreaterThanOrEqual(30);
  });
});
