import { expect, test } from "bun:test";
import { follow } from "./status.ts";
import type { BuildEvent } from "./types.ts";

const EVENT: BuildEvent = { vertexes: [], statuses: [], logs: [], warnings: [] };

/** A daemon that tells `first`, and then `rest` once it is released; without a release it waits for the client's leaving. */
function daemon(first: BuildEvent[], rest: BuildEvent[] = []) {
  const released = Promise.withResolvers<void>();
  return {
    release: released.resolve,
    async *status(_ref: string, { signal }: { signal: AbortSignal }) {
      yield* first;
      signal.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        void released.promise.then(resolve);
      });
      yield* rest;
    },
  };
}

async function took(work: Promise<void>): Promise<number> {
  const from = performance.now();
  await work;
  return performance.now() - from;
}

test("who leaves a build that nothing was heard of doesn't wait for it", async () => {
  expect(await took(follow(daemon([]), "ref", undefined, 5000).settle(true))).toBeLessThan(1000);
});

test("a build that is known to run is heard to its end by those who left it", async () => {
  const events: BuildEvent[] = [];
  const calls = daemon([EVENT], [EVENT]);
  const following = follow(calls, "ref", (event) => events.push(event), 5000);
  await Bun.sleep(1);
  const settled = following.settle(true);
  calls.release();
  await settled;
  expect(events).toHaveLength(2);
});

test("the last events don't come for ever", async () => {
  const following = follow(daemon([EVENT]), "ref", undefined, 50);
  await Bun.sleep(1);
  expect(await took(following.settle(false))).toBeGreaterThanOrEqual(45);
});
