import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { SourceInfoSchema } from "../../buildkit/messages/ops_pb.ts";
import { fittingMessage, fittingSources } from "./fitting-source.ts";

const info = (text: string) => create(SourceInfoSchema, { filename: "Dockerfile", data: Buffer.from(text) });
const at = (line: number) => [{ start: { line }, end: { line } }];
const linesOf = (text: string, line: number) =>
  Buffer.from(fittingSources([{ info: info(text), ranges: at(line) }])[0]?.info?.data ?? [])
    .toString()
    .split("\n");

test("a file of usual size is sent whole", () => {
  expect(linesOf("FROM a\nRUN b\n", 2)).toEqual(["FROM a", "RUN b", ""]);
});

test("of a large file the lines around the place are there, under their numbers", () => {
  const text = Array.from({ length: 5000 }, (_, at) => `LABEL line=${at + 1}`).join("\n");
  const lines = linesOf(text, 3000);
  expect(lines.slice(2991, 3008)).toEqual(text.split("\n").slice(2991, 3008));
  expect(new Set(lines.slice(0, 2991))).toEqual(new Set([""]));
  expect(lines.length).toBe(3008);
});

test("a long line is cut", () => {
  const lines = linesOf(`FROM a\nRUN ${"x".repeat(100_000)}\nRUN b`, 3);
  expect(lines[0]).toBe("FROM a");
  expect(lines[1]).toMatch(/^RUN x+$/);
  expect(lines[2]).toBe("RUN b");
  expect(lines.join("\n").length).toBeLessThan(50_000);
});

test("many places share the room", () => {
  const places = Array.from({ length: 10 }, (_, i) => ({
    info: info(`${"#".repeat(2000)}\n`.repeat(40)),
    ranges: at(i + 1),
  }));
  const bytes = fittingSources(places).reduce((sum, { info }) => sum + (info?.data.length ?? 0), 0);
  expect(bytes).toBeLessThan(45_000);
});

test("a long message keeps its beginning and its end, and no half character", () => {
  const message = `process "${"😀".repeat(10_000)}" did not complete successfully: exit code: 3`;
  const kept = fittingMessage(message);
  expect(kept).toStartWith('process "😀');
  expect(kept).toEndWith("did not complete successfully: exit code: 3");
  expect(encodeURIComponent(kept).length).toBeLessThan(64 << 10);
  expect(fittingMessage("short")).toBe("short");
});
