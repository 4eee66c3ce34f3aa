import { expect, test } from "bun:test";
import { Arrivals } from "./arrivals.ts";

test("who waits gets what comes, and each of those who wait", async () => {
  const arrivals = new Arrivals<{ id: number }>();
  const waiting = [arrivals.wait("a", 10_000), arrivals.wait("a", 10_000)];
  arrivals.arrive("b", { id: 2 });
  arrivals.arrive("a", { id: 1 });
  expect(await Promise.all(waiting)).toEqual([{ id: 1 }, { id: 1 }]);
  expect(await arrivals.wait("b", 0)).toEqual({ id: 2 });
});

test("names that nobody waits for any more are forgotten", async () => {
  const arrivals = new Arrivals<{ id: number }>();
  const left = new AbortController();
  const one = arrivals.wait("one", 5);
  const two = arrivals.wait("two", 10_000, left.signal);
  expect(arrivals.waiting).toBe(2);
  setTimeout(() => left.abort(new Error("left")), 1);
  await expect(two).rejects.toThrow("left");
  expect(await one).toBeUndefined();
  expect(arrivals.waiting).toBe(0);
});

test("who has left already doesn't wait", async () => {
  const arrivals = new Arrivals<{ id: number }>();
  await expect(arrivals.wait("a", 10_000, AbortSignal.abort(new Error("left")))).rejects.toThrow("left");
  expect(arrivals.waiting).toBe(0);
});

test("the first one's end doesn't take the second one away", () => {
  const arrivals = new Arrivals<{ id: number }>();
  const [first, second] = [{ id: 1 }, { id: 2 }];
  arrivals.arrive("a", first);
  arrivals.arrive("a", second);
  arrivals.leave("a", first);
  expect(arrivals.get("a")).toBe(second);
  arrivals.leave("a", second);
  expect(arrivals.get("a")).toBeUndefined();
});
