// Inspect, list and exec inspect of containers in all states, field by field beside what a Docker 28.5 said of the same
// (record-inspect.ts): every difference is written down with its reason, and every one that is written down is there.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { differences, type Json } from "../bundle/normal-form.ts";
import { importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { type Ask, INSPECT_CASES, look, type Seen } from "./inspect-cases.ts";
import { inspectForm } from "./inspect-form.ts";

let daemon: Daemon;
const ask: Ask = async (method, path, body) => daemon.request(method, path, { body });

beforeAll(async () => {
  daemon = await startDaemon();
  await importBusybox(daemon);
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

/** The names of an object's fields in their order, all the way down: what two equal answers may still differ in. */
const order = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(order)
    : value !== null && typeof value === "object"
      ? Object.entries(value).map(([key, part]) => [key, order(part)])
      : null;

describe.each(Object.entries(INSPECT_CASES))("%s", (name, each) => {
  test("as Docker shows it", async () => {
    const recorded = JSON.parse(
      readFileSync(join(import.meta.dir, "inspected", `${name}.json`), "utf8"),
    ) as Seen;
    const { ids, seen } = await look(ask, each);
    for (const id of ids) await daemon.request("DELETE", `/containers/${id}?force=1&v=1`);
    const ours = Object.fromEntries(
      Object.entries(seen).map(([what, answer]) => [what, inspectForm(answer, ids)]),
    );
    const known = (each.differences ?? []).map(({ reason, ...difference }) => difference);
    expect<unknown>(differences(ours as Json, recorded as Json)).toEqual(known);
    for (const { reason } of each.differences ?? []) expect(reason.length).toBeGreaterThan(20);
    if (known.length === 0) expect(order(ours)).toEqual(order(recorded));
  });
});
