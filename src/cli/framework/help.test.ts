// Every command's help text, held against what Docker 28.5's CLI prints where it isn't on a terminal (expected/).
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { TREE } from "../tree.ts";
import type { Command, Place } from "./command.ts";
import { flag } from "./flags.ts";
import { commandHelp, groupHelp, optionsBlock } from "./help.ts";

const WIDTH = 79;
const folder = new URL("./expected/", import.meta.url).pathname;

function find(words: string[]): Place | undefined {
  let places = TREE;
  let place: Place | undefined;
  for (const word of words) {
    place = places.find(({ name }) => name === word);
    places = place?.children ?? [];
  }
  return place;
}

const shownPath = (path: string, { shownAs }: Command) => (shownAs ? `docker ${shownAs}` : path);

/** Without what Berth has beyond. */
const dockers = (flags: Command["flags"]): Command["flags"] =>
  Object.fromEntries(Object.entries(flags).filter(([, { ours }]) => !ours));

for (const file of readdirSync(folder).sort()) {
  const words = file.replace(/\.txt$/, "").split("_");
  test(`help of ${words.join(" ")}`, async () => {
    const place = find(words);
    const path = ["docker", ...words].join(" ");
    const loaded = await place?.load?.();
    const text = loaded
      ? commandHelp(
          shownPath(path, loaded.default),
          "docker",
          { ...loaded.default, flags: dockers(loaded.default.flags) },
          WIDTH,
          place?.children,
        )
      : groupHelp(
          path,
          { ...(place as Place), children: place?.children?.filter(({ ours }) => !ours) ?? [] },
          WIDTH,
        );
    expect(text).toBe(readFileSync(folder + file, "utf8"));
  });
}

test("every command of the tree has its help held against Docker's, but those of groups that are not whole yet", () => {
  const names = new Set(readdirSync(folder).map((file) => file.replace(/\.txt$/, "")));
  const walk = (places: Place[], path: string[]): string[] =>
    places.flatMap((place) => [
      ...(place.load && !place.ours && !place.hidden ? [[...path, place.name].join("_")] : []),
      ...walk(place.children ?? [], [...path, place.name]),
    ]);
  expect(walk(TREE, []).filter((name) => !names.has(name))).toEqual([]);
});

test("a narrow terminal gets the usage below the flag", () => {
  const flags = {
    "a-rather-long-flag-name": flag.string("Some words that say what it is for, and then a few more"),
  };
  expect(optionsBlock(flags, 50)).toBe(
    [
      "      --a-rather-long-flag-name string   ",
      "                Some words that say what it",
      "                is for, and then a few more",
    ].join("\n"),
  );
});
