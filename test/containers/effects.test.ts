// Create options by what they do, from inside the container, beside what a Docker 28.5 did (effects.json, recorded).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { importBusybox } from "../fixtures/busybox.ts";
import { type Daemon, startDaemon } from "../fixtures/daemon.ts";
import { type Ask, EFFECTS, effectOf, prepare } from "./effect-cases.ts";
import effects from "./effects.json";

let daemon: Daemon;
const recorded: Record<string, string> = effects;
const ask: Ask = (method, path, body) => daemon.request(method, path, { body });

beforeAll(async () => {
  daemon = await startDaemon();
  await importBusybox(daemon);
  await prepare(ask);
});
afterAll(async () => {
  await daemon?.[Symbol.asyncDispose]();
  rmSync("/tmp/effects-made", { recursive: true, force: true });
});

test.each(Object.entries(EFFECTS))("%s", async (name, each) => {
  const ours = await effectOf(ask, each);
  const { text, reason = "" } = each.difference ?? {};
  const theirs = recorded[name] ?? "not recorded";
  // Docker answers 500 where nobody gave its error a kind.
  if (text === undefined && theirs.startsWith("500 ")) expect(ours.slice(4)).toBe(theirs.slice(4));
  else expect(ours).toBe(text ?? theirs);
  if (text === undefined) return;
  expect(ours).not.toBe(recorded[name] ?? "");
  expect(reason.length).toBeGreaterThan(20);
});
