// Progress lines: Docker's texts, and what a slow client gets.
import { expect, test } from "bun:test";
import { ProgressLines, progressBar } from "./progress.ts";

test.each([
  [0, 0, ""],
  [512, 0, "    512B"],
  [0, 100, `[>${" ".repeat(50)}]       0B/100B`],
  [3408, 10_000, `[${"=".repeat(17)}>${" ".repeat(33)}]  3.408kB/10kB`],
  [10_000, 10_000, `[${"=".repeat(50)}>]     10kB/10kB`],
  [12_345_678, 10_000_000, `[${"=".repeat(50)}>]  12.35MB`],
])("%i of %i", (current, total, text) => {
  expect(progressBar(current, total)).toBe(text);
});

test("a client that doesn't read gets the newest state of each layer, and all that isn't progress", async () => {
  const lines: string[] = [];
  const gate = Promise.withResolvers<void>();
  const progress = new ProgressLines({
    async write(chunk) {
      await gate.promise;
      lines.push(String(chunk).trimEnd());
    },
  });
  progress.add({ status: "Pulling" });
  for (let current = 1; current <= 1000; current++)
    for (const id of ["a", "b"])
      progress.add({ id, status: "Downloading", progressDetail: { current, total: 1000 } });
  progress.add({ id: "a", status: "Download complete", progressDetail: {} });
  gate.resolve();
  await progress.flush();
  expect(
    lines
      .map((text) => JSON.parse(text))
      .map(({ id, status, progressDetail }) => [id, status, progressDetail?.current]),
  ).toEqual([
    [undefined, "Pulling", undefined],
    ["a", "Downloading", 1000],
    ["b", "Downloading", 1000],
    ["a", "Download complete", undefined],
  ]);
});

test("a client that has gone doesn't fail the work's last lines", async () => {
  const progress = new ProgressLines({
    write: () => Promise.reject(new Error("gone")),
  });
  progress.add({ status: "one" });
  progress.add({ status: "two" });
  await progress.flush();
});
