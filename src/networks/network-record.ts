// What every network's record begins with.
import { randomBytes } from "node:crypto";
import { now } from "../base/nanoseconds.ts";
import type { NetworkRecord } from "./types.ts";

/** 64 hex digits, as of networks, sandboxes and endpoints. */
export const newId = () => randomBytes(32).toString("hex");

/** One of somebody's own, without addresses and options. */
export const emptyRecord = (name: string, driver: string): NetworkRecord => ({
  id: newId(),
  name,
  driver,
  scope: "local",
  createdAt: now(),
  internal: false,
  attachable: false,
  enableIPv4: true,
  enableIPv6: false,
  pools: [],
  options: {},
  labels: {},
  builtIn: false,
});
