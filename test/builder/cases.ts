// Every case, built by Berth's daemon and Berth's client, against what Docker's BuildKit made of it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { berthBinary } from "../clients/berth-binary.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { importBases } from "./base-images.ts";
import { type Builder, buildCase } from "./build-case.ts";
import { caseNames, readCase, readExpected } from "./case.ts";
import { differingFields, withDifferences } from "./compare.ts";
import type { Expected } from "./expected-form.ts";
import { type Site, startSite } from "./site.ts";

/** Builds that go on at once: most of a build's time is waiting for processes. */
const AT_ONCE = 3;

/** Declares the tests; `chosen` says which cases. */
export function caseTests(chosen: (name: string) => boolean = () => true): void {
  describe("builder's cases", () => {
    let daemon: Daemon;
    let site: Site;
    let outcomes: Ahead<Expected>;
    const names = caseNames().filter(chosen);
    const unrecorded = names.filter((name) => readExpected(name) === undefined);
    if (unrecorded.length > 0)
      console.log(
        `skipped: ${unrecorded.join(", ")}, until they are recorded with a frontend newer than Docker 28.5's`,
      );
    beforeAll(async () => {
      site = startSite();
      daemon = await startDaemon();
      await importBases(daemon.request);
      const builder: Builder = {
        client: berthBinary(daemon.folder),
        host: daemon.host,
        site: site.address,
      };
      const recorded = names.filter((name) => readExpected(name) !== undefined);
      outcomes = new Ahead(recorded, AT_ONCE, (name) => buildCase(name, readCase(name), builder));
    });
    afterAll(async () => {
      await outcomes?.stop();
      await daemon?.[Symbol.asyncDispose]();
      site?.[Symbol.dispose]();
    });
    for (const name of names) {
      const each = readCase(name);
      const recorded = readExpected(name);
      if (!recorded) {
        test.todo(`${name}: ${each.shows} (to be recorded)`);
        continue;
      }
      test(`${name}: ${each.shows}`, async () => {
        const seen = await outcomes.of(name);
        expect(seen).toEqual(withDifferences(recorded, each.differences));
        // A difference that is none any more has to go.
        for (const { field } of each.differences)
          expect(differingFields(recorded, seen).some((other) => field.startsWith(other))).toBe(true);
      });
    }
  });
}

/** Works through names in their order, some at once, and keeps what came of each for who asks. */
class Ahead<T> {
  readonly #outcomes = new Map<string, PromiseWithResolvers<T>>();
  readonly #left: string[];
  readonly #workers: Promise<void>[];

  constructor(
    names: string[],
    atOnce: number,
    private readonly work: (name: string) => Promise<T>,
  ) {
    this.#left = [...names];
    for (const name of names) {
      const outcome = Promise.withResolvers<T>();
      outcome.promise.catch(() => {}); // Whoever asks is told
      this.#outcomes.set(name, outcome);
    }
    this.#workers = Array.from({ length: atOnce }, () => this.#goOn());
  }

  of(name: string): Promise<T> {
    const outcome = this.#outcomes.get(name);
    if (!outcome) throw new Error(`${name} is not built`);
    return outcome.promise;
  }

  /** Begins no more, and waits for what goes on. */
  async stop(): Promise<void> {
    this.#left.length = 0;
    await Promise.all(this.#workers);
  }

  async #goOn(): Promise<void> {
    for (let name = this.#left.shift(); name !== undefined; name = this.#left.shift()) {
      const outcome = this.#outcomes.get(name);
      await this.work(name).then(outcome?.resolve, outcome?.reject);
    }
  }
}
