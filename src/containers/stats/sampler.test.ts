// Who watches shares one reader, which ends with the last of them.
import { expect, test } from "bun:test";
import { Sampler } from "./sampler.ts";

const counted = () => {
  let reads = 0;
  return {
    read: async () => ++reads,
    get reads() {
      return reads;
    },
  };
};

test("several watchers get the same readings of one reader", async () => {
  const sampler = new Sampler<number>(20);
  const source = counted();
  const never = new AbortController().signal;
  const take = async (many: number) => {
    const taken: number[] = [];
    for await (const reading of sampler.watch("a", source.read, never)) {
      taken.push(reading);
      if (taken.length === many) break;
    }
    return taken;
  };
  const [one, other] = await Promise.all([take(3), take(3)]);
  expect(one).toEqual(other);
  expect(source.reads).toBe(3);
  expect(sampler.active).toBe(0);
});

test("no reading is made for nobody, and an abort ends a wait", async () => {
  const sampler = new Sampler<number>(10);
  const source = counted();
  const leave = new AbortController();
  const seen: number[] = [];
  for await (const reading of sampler.watch("a", source.read, leave.signal)) {
    seen.push(reading);
    leave.abort();
  }
  expect(seen).toEqual([1]);
  expect(sampler.active).toBe(0);
  await Bun.sleep(40);
  expect(source.reads).toBe(1);
});

test("a slow watcher gets the latest, and holds nobody up", async () => {
  const sampler = new Sampler<number>(5);
  const source = counted();
  const seen: number[] = [];
  for await (const reading of sampler.watch("a", source.read, new AbortController().signal)) {
    seen.push(reading);
    if (seen.length === 2) break;
    while (source.reads < 5) await Bun.sleep(1);
  }
  expect(seen[0]).toBe(1);
  expect(seen[1]).toBeGreaterThanOrEqual(4);
});

test("a reading that fails is left out", async () => {
  const sampler = new Sampler<number>(5);
  let reads = 0;
  const read = async () => {
    if (++reads === 2) throw new Error("not now");
    return reads;
  };
  const seen: number[] = [];
  for await (const reading of sampler.watch("a", read, new AbortController().signal)) {
    seen.push(reading);
    if (seen.length === 2) break;
  }
  expect(seen).toEqual([1, 3]);
});
