// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the shell's ${…}, not JavaScript's.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { isKind, messageOf } from "../../../base/errors.ts";
import { expand } from "./lexer.ts";

const VARIABLES = new Map([
  ["home", "/home"],
  ["shell", "bash"],
  ["null", ""],
  ["path", "/usr/local/lib/a.tar.gz"],
  ["spaced", "a  b c"],
  ["leading", "  a b"],
  ["名", "値"],
  ["lines", "ab\ncd"],
]);
const words = (text: string) => expand(text, VARIABLES, { escape: "\\" });

const VALUES: [string, string][] = [
  ["plain", "plain"],
  ["a'b'c", "abc"],
  ["a\\'b", "a'b"],
  ["a\\tb", "atb"],
  ['"a\\tb"', "a\\tb"],
  ['"a\\\\tb"', "a\\tb"],
  ["'a\\tb'", "a\\tb"],
  ["end\\", "end"],
  ["end\\\\", "end\\"],
  ['"it\'s"', "it's"],
  ["'say \"x\"'", 'say "x"'],
  ["$.", "$."],
  ["a$1b", "ab"],
  ["a$home.", "a/home."],
  ["a\\$home", "a$home"],
  ["'$home'", "$home"],
  ['"a$home"', "a/home"],
  ['"\\$home"', "$home"],
  ["\\${}", "${}"],
  ["${home}x", "/homex"],
  ["${none:-d}", "d"],
  ["${none-d}", "d"],
  ["${null:-d}", "d"],
  ["${null-d}", ""],
  ["${home:+y}", "y"],
  ["${null:+y}", ""],
  ["${null+y}", "y"],
  ["${none+y}", ""],
  ["${none:-${none:-$shell}}", "bash"],
  ["${none:-\\$home:}", "$home:"],
  ["${none:-a {b}", "a {b"],
  ["${home?no}", "/home"],
  ["${null?no}", ""],
  ["${home}}", "/home}"],
  ["${path#*/}", "usr/local/lib/a.tar.gz"],
  ["${path##*/}", "a.tar.gz"],
  ["${path%.*}", "/usr/local/lib/a.tar"],
  ["${path%%.*}", "/usr/local/lib/a"],
  ["${path#/???/}", "local/lib/a.tar.gz"],
  ["${path%zip}", "/usr/local/lib/a.tar.gz"],
  ["${path/l/L}", "/usr/Local/lib/a.tar.gz"],
  ["${path//l/L}", "/usr/LocaL/Lib/a.tar.gz"],
  ["${path//\\//-}", "-usr-local-lib-a.tar.gz"],
  ["${path/l*l/_}", "/usr/_ib/a.tar.gz"],
  ["${path//*/_}", "_"],
  ["${null//*/_}", "_"],
  ["${shell///-}", "-b-a-s-h-"],
  ["${none//a/b}", ""],
  ["${lines#*}", "ab\ncd"],
  ["${lines##*}", "\ncd"],
  ["$名x", ""],
  ["${名}x", "値x"],
  ["名'前'", "名前"],
];
test.each(VALUES)("%s is %j", (text, value) => {
  expect(words(text).value).toBe(value);
});

const ERRORS: [string, string][] = [
  ["a'b", "unexpected end of statement while looking for matching single-quote"],
  ['a"b', "unexpected end of statement while looking for matching double-quote"],
  ["${", "syntax error: missing '}'"],
  ["${}", "syntax error: bad substitution"],
  ["${{a}", "syntax error: bad substitution"],
  ["${:-a}", "syntax error: bad substitution"],
  ["${.}", "unsupported modifier (.) in substitution"],
  ["${home:=x}", "unsupported modifier (:=) in substitution"],
  ["${home:#x}", "unsupported modifier (:#) in substitution"],
  ["${home:-x", "syntax error: missing '}'"],
  ["${home/x}", "syntax error: missing '/' in ${}"],
  ["${none?}", "none: is not allowed to be unset"],
  ["${null:?}", "null: is not allowed to be empty"],
  ["${none:?give it}", "none: give it"],
  ["${path#\\a}", "invalid pattern (\\a) in substitution: invalid escape '\\a'"],
];
test.each(ERRORS)("%s is refused: %s", (text, message) => {
  expect(() => words(text)).toThrow(message);
  expect(() => words(text)).toThrow("failed to process ");
});

const SPLITS: [string, string[]][] = [
  ["a b", ["a", "b"]],
  ["  a\tb  ", ["a", "b"]],
  ["a$spaced", ["aa", "b", "c"]],
  ['a"$spaced"', ["aa  b c"]],
  ["a${leading}d", ["a", "a", "bd"]],
  ['" there  "', [" there  "]],
  ["a\\ b", ["a b"]],
  ["a '' b", ["a", "b"]],
  ["8${none:-0}1", ["801"]],
  ["<<EOF x", ["<<EOF", "x"]],
  ["<< EOF x", ["<< EOF", "x"]],
];
test.each(SPLITS)("%s splits into %j", (text, expected) => {
  expect(words(text).words).toEqual(expected);
});

test("which names were used, and which of them are set", () => {
  const { matched, unmatched } = words("$home ${none:-$shell} $none $other");
  expect([...matched]).toEqual(["home", "shell"]);
  expect([...unmatched]).toEqual(["none", "other"]);
});

test("a backquote escapes where it is chosen, and a backslash doesn't", () => {
  expect(expand("a`$home\\b", VARIABLES, { escape: "`" }).value).toBe("a$home\\b");
});

test("what is kept on request: quotes, escapes, unset variables", () => {
  const raw = { escape: "\\", rawQuotes: true, rawEscapes: true, keepUnset: true } as const;
  expect(expand("a\"b\" '$home' \\$x $none ${none:-d} $shell", VARIABLES, raw).value).toBe(
    "a\"b\" '$home' \\$x $none ${none:-d} bash",
  );
  expect(expand("it's $home", VARIABLES, { escape: "\\", ignoreQuotes: true }).value).toBe("it's /home");
});

test("nesting, size and patterns have limits", () => {
  expect(() => words("${a:-".repeat(50_000))).toThrow("nested too deeply");
  const big = new Map([["x", "a".repeat(600_000)]]);
  expect(() => expand("$x$x", big, { escape: "\\" })).toThrow("longer than");
  const run = new Map([["x", "a".repeat(60_000)]]);
  const costly = ["${x##", "*a".repeat(20_000), "b}"].join("");
  expect(expand(costly, run, { escape: "\\" }).value).toHaveLength(60_000);
  expect(() => expand(`\${x//${"a".repeat(30_000)}b/y}`, run, { escape: "\\" })).toThrow("takes too long");
});

const PIECES = [
  "$",
  "{",
  "}",
  "'",
  '"',
  "\\",
  "`",
  "<<",
  "a",
  "home",
  ":-",
  "?",
  "#",
  "%",
  "/",
  "*",
  " ",
  "é",
  "\ud83d",
];
test("any text gives a value or an invalid error, quickly", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }).map((pieces) => pieces.join("")),
  );
  const options = fc.record({
    escape: fc.constantFrom("\\" as const, "`" as const),
    rawQuotes: fc.boolean(),
    rawEscapes: fc.boolean(),
    ignoreQuotes: fc.boolean(),
    keepUnset: fc.boolean(),
  });
  fc.assert(
    fc.property(text, options, (input, chosen) => {
      try {
        const { value, words: split } = expand(input, VARIABLES, chosen);
        expect(split.join("").length).toBeLessThanOrEqual(value.length);
      } catch (thrown) {
        expect(isKind(thrown, "invalid")).toBe(true);
        expect(messageOf(thrown)).toStartWith("failed to process");
      }
    }),
    { numRuns: 2000 },
  );
});
