import { expect, test } from "bun:test";
import type { Instant } from "../../sdk/index.ts";
import { colorsOf } from "./colors.ts";
import { LogScreen } from "./log-screen.ts";
import { eventOf, recordedLines } from "./recorded/read.ts";
import { ttyDisplay } from "./tty.ts";

const SIZE = { width: 80, height: 24 };

/** The screen after each drawing of a recorded build; the last one is the end. */
async function screens(name: string): Promise<string[][]> {
  let now: Instant = 0n;
  // Higher than the terminal: what has scrolled out of it counts too.
  const screen = new LogScreen(200, SIZE.width + 1);
  const display = ttyDisplay({
    write: (text) => screen.write(Buffer.from(text)),
    size: () => SIZE,
    description: "docker:default",
    colors: colorsOf({}),
    now: () => now,
  });
  const all: string[][] = [];
  const keep = () => all.push(screen.lines().map((line) => line.trimEnd()));
  for (const line of await recordedLines(name)) {
    const event = eventOf(line);
    const times = [
      ...event.vertexes.flatMap((one) => [one.started, one.completed]),
      ...event.logs.map((one) => one.timestamp),
    ];
    for (const time of times) if (time !== undefined && time > now) now = time;
    display.update(event);
    display.refresh();
    keep();
  }
  display.finish();
  keep();
  return all;
}

test.each(["done", "failing"])("the end of a recorded build (%s)", async (name) => {
  expect((await screens(name)).at(-1)?.join("\n")).toMatchSnapshot();
});

test("no line is ever wider than the terminal, and the first one is the header alone", async () => {
  for (const lines of await screens("done")) {
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(SIZE.width);
    expect(lines.filter((line) => line.startsWith("[+] Building"))).toHaveLength(1);
    expect(lines[0]).toEndWith("docker:default");
  }
});

test("a running step's output is in a window of six lines at most", async () => {
  const windows = (await screens("done")).map((lines) =>
    lines.filter((line) => line.startsWith(" => => # ")),
  );
  expect(Math.max(...windows.map((lines) => lines.length))).toBeLessThanOrEqual(6);
  expect(windows.some((lines) => lines.length > 0)).toBe(true);
  expect(windows.at(-1)).toEqual([]);
});
