import { expect, test } from "bun:test";
import { rawJson } from "./raw-json.ts";
import { eventOf, recordedLines } from "./recorded/read.ts";

test.each(["done", "failing"])("what Docker wrote of a build (%s) is written the same", async (name) => {
  for (const line of await recordedLines(name)) {
    if (line.includes('"warnings"')) continue; // Their sources aren't read back
    expect(rawJson(eventOf(line))).toBe(line);
  }
});
