import { expect, test } from "bun:test";
import type { Instant } from "../../sdk/index.ts";
import { plainDisplay } from "./plain.ts";
import { eventOf, recordedLines } from "./recorded/read.ts";

/** All that the display writes of a recorded build, drawn after each event. */
async function shown(name: string, draw: "always" | "at the end"): Promise<string> {
  let text = "";
  let now: Instant = 0n;
  const display = plainDisplay(
    (piece) => {
      text += piece;
    },
    { description: 'building with "default" instance using docker driver', now: () => now },
  );
  for (const line of await recordedLines(name)) {
    const event = eventOf(line);
    now = event.vertexes.find(({ started }) => started)?.started ?? now;
    display.update(event);
    if (draw === "always") display.refresh();
  }
  display.finish();
  return text;
}

test.each(["done", "failing"])("a recorded build (%s), drawn at once", async (name) => {
  expect(await shown(name, "at the end")).toMatchSnapshot();
});

test("a step's output is told in order, with its number, whatever is drawn when", async () => {
  const outputOf = (text: string) =>
    text
      .split("\n")
      .filter((line) => /^#\d+ \d+\.\d{3} line \d+$/.test(line))
      .map((line) => line.split(" ").slice(2).join(" "));
  const lines = Array.from({ length: 12 }, (_, index) => `line ${index + 1}`);
  expect(outputOf(await shown("done", "always"))).toEqual(lines);
  expect(outputOf(await shown("done", "at the end"))).toEqual(lines);
});

test("a failed step's last lines come again at the end", async () => {
  const text = await shown("failing", "always");
  const end = text.slice(text.indexOf("------\n"));
  expect(end.replace(/^\d+\.\d+ /gm, "T ")).toBe(
    "------\n > [stage-2 2/2] RUN echo before; echo to-stderr >&2; sleep 0.1; false:\nT before\nT to-stderr\n------\n",
  );
});
