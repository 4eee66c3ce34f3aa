import { expect, test } from "bun:test";
import { openEvents } from "./events.ts";
import type { Filters } from "./types.ts";

const past = async (events: ReturnType<typeof openEvents>, filters: Filters = {}) => {
  const found: string[] = [];
  const until = Date.now() / 1000 + 0.001;
  for await (const event of events.stream({ since: 0, until, filters }, new AbortController().signal))
    found.push(`${event.Type} ${event.Action} ${event.Actor?.ID}`);
  return found;
};

test("the ring keeps the last 256", async () => {
  const events = openEvents();
  for (let count = 0; count < 300; count++) events.publish("volume", "create", `v${count}`);
  const found = await past(events);
  expect(found).toHaveLength(256);
  expect(found[0]).toBe("volume create v44");
});

test("an end without a beginning is answered with what is kept", async () => {
  const events = openEvents();
  events.publish("volume", "create", "v1");
  const until = Date.now() / 1000 + 0.001;
  const stream = events.stream({ until, filters: {} }, new AbortController().signal);
  const { value } = await stream[Symbol.asyncIterator]().next();
  expect(value?.Actor?.ID).toBe("v1");
});

test("an event has Docker's fields, the old ones for containers and images", async () => {
  const events = openEvents();
  events.publish("container", "die", "c1", { name: "web", image: "busybox", exitCode: "3" });
  const stream = events.stream(
    { since: 0, until: Date.now() / 1000 + 0.001, filters: {} },
    new AbortController().signal,
  );
  const { value } = await stream[Symbol.asyncIterator]().next();
  expect(value).toMatchObject({
    status: "die",
    id: "c1",
    from: "busybox",
    Type: "container",
    Action: "die",
    Actor: { ID: "c1", Attributes: { exitCode: "3", image: "busybox", name: "web" } },
    scope: "local",
  });
  expect(Math.abs((value?.time ?? 0) * 1000 - Date.now())).toBeLessThan(2000);
});

const CASES: [Filters, string[]][] = [
  [{ type: ["volume"] }, ["volume create data"]],
  [{ event: ["exec_create"] }, ["container exec_create: sh c1234"]],
  [{ container: ["c12"] }, ["container start c1234", "container exec_create: sh c1234"]],
  [{ container: ["web"], event: ["start"] }, ["container start c1234"]],
  [{ container: ["we"] }, ["container start c1234", "container exec_create: sh c1234"]],
  [{ container: ["da"] }, ["volume create data"]],
  [{ image: ["busybox"] }, ["container exec_create: sh c1234", "image tag sha256:1"]],
  [{ image: ["busybox:latest"] }, ["image tag sha256:1"]],
  [{ event: ["exec"] }, []],
  [{ label: ["a=b"] }, ["container start c1234"]],
  [{ label: ["a=b", "c"] }, []],
  [{ scope: ["swarm"] }, []],
  [{ type: ["volume"], colour: ["red"] }, ["volume create data"]],
];
test.each(CASES)("filters %j", async (filters, expected) => {
  const events = openEvents();
  events.publish("container", "start", "c1234", { name: "web", a: "b" });
  events.publish("container", "exec_create: sh", "c1234", { name: "web", image: "busybox" });
  events.publish("volume", "create", "data");
  events.publish("image", "tag", "sha256:1", { name: "busybox:latest" });
  expect(await past(events, filters)).toEqual(expected);
});

test("a listener hears what comes, and is gone after its abort", async () => {
  const events = openEvents();
  const abort = new AbortController();
  const heard: string[] = [];
  const listening = (async () => {
    for await (const event of events.stream({ filters: {} }, abort.signal)) heard.push(event.Action ?? "");
  })();
  await Bun.sleep(1);
  expect(events.listeners).toBe(1);
  events.publish("container", "start", "c");
  await Bun.sleep(1);
  events.publish("container", "die", "c");
  await Bun.sleep(1);
  abort.abort();
  await listening;
  expect(heard).toEqual(["start", "die"]);
  expect(events.listeners).toBe(0);
});
