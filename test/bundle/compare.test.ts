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

function recordingOf(name: string): Recording {
  const recording = read<Recording>(join(RECORDED, `${name}.json`));
  const spec = recording.spec as { linux: { seccomp?: string } };
  const seccomp = spec.linux.seccomp ? read<Json>(join(RECORDED, spec.linux.seccomp)) : undefined;
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
