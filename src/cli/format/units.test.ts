import { expect, test } from "bun:test";
import fc from "fast-check";
import { binarySize, ellipsis, goQuote, humanDuration, humanSize, parseRam, shortId } from "./units.ts";

test("sizes as docker/go-units prints them", () => {
  const cases: [bytes: number, precision: number, text: string][] = [
    [0, 3, "0B"],
    [717, 3, "717B"],
    [999, 3, "999B"],
    [1000, 3, "1kB"],
    [3718, 3, "3.72kB"],
    [3718, 4, "3.718kB"],
    [3_071_330, 3, "3.07MB"],
    [12_290, 4, "12.29kB"],
    [999_950, 3, "1e+03kB"],
    [18_620_000, 4, "18.62MB"],
    [1_234_567_890, 4, "1.235GB"],
    [5e12, 4, "5TB"],
  ];
  for (const [bytes, precision, text] of cases) expect(humanSize(bytes, precision)).toBe(text);
  expect(binarySize(25_275_000_000)).toBe("23.54GiB");
  expect(binarySize(1024)).toBe("1KiB");
});

test("sizes as people write them", () => {
  const cases: Record<string, number> = {
    "32": 32,
    "32b": 32,
    "32B": 32,
    "32k": 32 << 10,
    "32KB": 32 << 10,
    "32KiB": 32 << 10,
    "32m": 32 << 20,
    "1.5g": 1.5 * 2 ** 30,
    "32 MB": 32 << 20,
    ".5k": 512,
    "1t": 2 ** 40,
    "1p": 2 ** 50,
  };
  for (const [text, bytes] of Object.entries(cases)) expect(parseRam(text)).toBe(bytes);
});

test("what is no size", () => {
  const cases: Record<string, string> = {
    "": "invalid size: ''",
    hello: "invalid size: 'hello'",
    "-1": "invalid size: '-1'",
    "32z": "invalid suffix: 'z'",
    "32kbb": "invalid suffix: 'kbb'",
    "32bb": "invalid suffix: 'bb'",
    "32 mm": "invalid suffix: 'mm'",
    "1.2.3k": 'strconv.ParseFloat: parsing "1.2.3": invalid syntax',
  };
  for (const [text, message] of Object.entries(cases)) expect(() => parseRam(text)).toThrow(message);
});

test("a whole number of a unit is read back as what was printed", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999 }), fc.constantFrom("", "k", "m", "g"), (count, unit) => {
      const bytes = count * 1024 ** ["", "k", "m", "g"].indexOf(unit);
      expect(parseRam(`${count}${unit}`)).toBe(bytes);
      expect(parseRam(binarySize(bytes).replace("iB", ""))).toBe(bytes);
    }),
  );
});

test("durations", () => {
  const minute = 60;
  const hour = 60 * minute;
  const day = 24 * hour;
  const cases: [seconds: number, text: string][] = [
    [0.4, "Less than a second"],
    [1, "1 second"],
    [59.9, "59 seconds"],
    [60, "About a minute"],
    [119, "About a minute"],
    [120, "2 minutes"],
    [59 * minute, "59 minutes"],
    [hour, "About an hour"],
    [89 * minute, "About an hour"],
    [90 * minute, "2 hours"],
    [47 * hour, "47 hours"],
    [48 * hour, "2 days"],
    [13 * day, "13 days"],
    [14 * day, "2 weeks"],
    [59 * day, "8 weeks"],
    [60 * day, "2 months"],
    [729 * day, "24 months"],
    [731 * day, "2 years"],
  ];
  for (const [seconds, text] of cases) expect(humanDuration(seconds)).toBe(text);
});

test("texts cut to a width", () => {
  expect(ellipsis("sleep 3600", 20)).toBe("sleep 3600");
  expect(ellipsis("sh -c 'echo one two three'", 20)).toBe("sh -c 'echo one two…");
  expect(ellipsis("abc", 1)).toBe("a");
  expect(ellipsis("漢字漢字", 5)).toBe("漢字…");
  expect(shortId(`sha256:${"a".repeat(64)}`)).toBe("a".repeat(12));
});

test("quotes as Go's strconv writes them", () => {
  expect(goQuote(`sh -c "a\\b\n\t\x01é\u200b"`)).toBe(`"sh -c \\"a\\\\b\\n\\t\\x01é\\u200b\\""`);
});
