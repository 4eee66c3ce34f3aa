import { expect, test } from "bun:test";
import { announcement, macBytes } from "./announcement.ts";

const MAC = macBytes("02:42:ac:11:00:02");
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("IPv4: a request for one's own address, to all", () => {
  expect(hex(announcement("172.17.0.2", MAC))).toBe(
    ["ffffffffffff", "0242ac110002", "0806", "0001", "0800", "06", "04", "0001"].join("") +
      ["0242ac110002", "ac110002", "000000000000", "ac110002"].join(""),
  );
});

test("IPv6: an advertisement that overrides, to all nodes, with a checksum that adds up", () => {
  const frame = announcement("fd00::2", MAC);
  const address = "fd000000000000000000000000000002";
  expect(hex(frame.subarray(0, 54))).toBe(
    `3333000000010242ac11000286dd6000000000203aff${address}ff020000000000000000000000000001`,
  );
  expect(hex(frame.subarray(54)).replace(/^8800..../, "8800----")).toBe(
    `8800----20000000${address}02010242ac110002`,
  );
  // What a receiver does: the sum over pseudo-header and message, its checksum included, is all ones.
  const packet = Buffer.from(frame.subarray(14));
  let sum = 32 + 58;
  for (let at = 8; at < packet.length; at += 2) sum += packet.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  expect(sum).toBe(0xffff);
});
