import { expect, test } from "bun:test";
import { excerpt } from "./excerpt.ts";

const text = Array.from({ length: 10 }, (_, index) => `L${index + 1}`).join("\n");
const numbers = (start: number, end: number) =>
  excerpt({ file: "Dockerfile", text, ranges: [{ start, end }] })
    .split("\n")
    .filter((line) => line.includes("|"))
    .map((line) => line.replace(/^ +(\d+) \| (.{3}) .*$/, (_, number, mark) => number + mark.trim()));

// What buildx 0.29 showed for Dockerfiles of ten lines.
test.each([
  [5, 5, ["3", "4", "5>>>", "6", "7"]],
  [1, 1, ["1>>>", "2", "3"]],
  [10, 10, ["8", "9", "10>>>"]],
  [4, 6, ["3", "4>>>", "5>>>", "6>>>", "7"]],
  [3, 99, ["2", "3>>>", "4>>>", "5>>>", "6>>>", "7>>>", "8>>>", "9>>>", "10>>>"]],
])("around lines %d to %d", (start, end, shown) => {
  expect(numbers(start, end)).toEqual(shown);
});

test.each([
  ["no place", []],
  ["a place behind the end", [{ start: 11, end: 11 }]],
  ["a place before the beginning", [{ start: 0, end: 0 }]],
])("%s has none", (_, ranges) => {
  expect(excerpt({ file: "Dockerfile", text, ranges })).toBe("");
});
