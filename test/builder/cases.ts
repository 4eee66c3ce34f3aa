// Every case, built by Berth's daemon and Berth's client, against what Docker's BuildKit made of it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { importBases } from "./base-images.ts";
import { type Builder, buildCase } from "./build-case.ts";
import { caseNames, readCase, readExpected } from "./case.ts";
import { differingFields, withDifferences } from "./compare.ts";
import { type Site, startSite } from "./site.ts";

/** Declares the tests; `chosen` says which cases. */
export function caseTests(chosen: (name: string) => boolean = () => true): void {
  describe("builder's cases", () => {
    let daemon: Daemon;
    let site: Site;
    let builder: Builder;
    beforeAll(async () => {
      site = startSite();
      daemon = await startDaemon();
      await importBases(daemon.request);
      builder = { client: berthBinary(daemon.folder), host: daemon.host, site: site.address };
    });
    afterAll(async () => {
      await daemon?.[Symbol.asyncDispose]();
      site?.[Symbol.dispose]();
    });
    for (const name of caseNames().filter(chosen)) {
      const each = readCase(name);
      const recorded = readExpected(name);
      if (!recorded) {
        test.todo(`${name}: ${each.shows} (to be recorded)`);
        continue;
      }
      test(`${name}: ${each.shows}`, async () => {
        const seen = await buildCase(name, each, builder);
        expect(seen).toEqual(withDifferences(recorded, each.differences));
        // A difference that is none any more has to go.
        for (const { field } of each.differences)
          expect(differingFields(recorded, seen).some((other) => field.startsWith(other))).toBe(true);
      });
    }
  });
}
