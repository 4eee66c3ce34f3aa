import { expect, test } from "bun:test";
import { notifyServiceManager } from "./service-manager.ts";

test("nobody asked, nobody listens: no state is told, and no error", () => {
  expect(notifyServiceManager("READY=1", undefined)).toBe(false);
  expect(notifyServiceManager("READY=1", "/nowhere/notify")).toBe(false);
  expect(notifyServiceManager("READY=1", "@berth-nobody-listens-here")).toBe(false);
});
