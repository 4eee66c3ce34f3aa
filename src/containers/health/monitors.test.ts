import { test } from "bun:test";
import type { Store } from "../../store/types.ts";
import type { ContainerRecord } from "../types.ts";
import { HealthMonitors } from "./monitors.ts";
import type { Health } from "./rules.ts";

test("a clock that was set back while no daemon ran puts off no check", async () => {
  const startedAt = new Date(Date.now() + 86_400_000).toISOString();
  const record = {
    id: "x",
    config: { Healthcheck: { Test: ["CMD", "true"], Interval: 20e6 } },
    state: { status: "running", startedAt },
  } as unknown as ContainerRecord;
  const health = {
    id: record.id,
    startedAt,
    status: "healthy",
    failingStreak: 0,
    log: [],
  } as unknown as Health;
  const documents = { all: () => [health], put() {}, delete() {} };
  const checked = Promise.withResolvers<void>();
  const monitors = new HealthMonitors({
    store: { documents: () => documents } as unknown as Store,
    get: () => record,
    emit() {},
    async run() {
      checked.resolve();
      return { exitCode: 0, output: "" };
    },
  });
  monitors.takeUp(record);
  try {
    await checked.promise;
  } finally {
    monitors.close();
  }
}, 5000);
