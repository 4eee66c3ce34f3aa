import { expect, test } from "bun:test";
import fc from "fast-check";
import { createMatcher, goMatch, hasWildcards, readIgnoreFile } from "./index.ts";
import { matchManyWildcards } from "./many-wildcards.ts";

test("an ignore file's lines become clean patterns", () => {
  const text =
    "\ufeff# first\n \t a/../b/ \r\n#no\n  # kept: not in the first column\n/abs\n//twice//x\n/\n!\n! /not/this \n!./\n\n*.md\n";
  expect(readIgnoreFile(text)).toEqual([
    "b",
    "# kept: not in the first column",
    "abs",
    "twice/x",
    "/",
    "!",
    "!not/this",
    "!.",
    "*.md",
  ]);
  expect(readIgnoreFile("a\n\ufeffb")).toEqual(["a", "\ufeffb"]);
  expect(readIgnoreFile("\u0085a\u00a0")).toEqual(["a"]);
  expect(() => readIgnoreFile("x".repeat(65536))).toThrow("bufio.Scanner: token too long");
});

test.each<[string, string, boolean]>([
  ["abc", "abc", true],
  ["*", "abc", true],
  ["*c", "abc", true],
  ["a*", "a", true],
  ["a*", "ab/c", false],
  ["a*/b", "abc/b", true],
  ["a*/b", "a/c/b", false],
  ["a*b*c*d*e*/f", "axbxcxdxe/f", true],
  ["a*b*c*d*e*/f", "axbxcxdxexxx/fff", false],
  ["a*b?c*x", "abxbbxdbxebxczzy", false],
  ["ab[c]", "abc", true],
  ["ab[b-d]", "abc", true],
  ["ab[^c]", "abc", false],
  ["ab[^b-d]", "abe", true],
  ["a\\*b", "a*b", true],
  ["a\\*b", "ab", false],
  ["a?b", "a☺b", true],
  ["a[^a]b", "a☺b", true],
  ["a???b", "a☺b", false],
  ["[a-ζ]*", "α", true],
  ["*[a-ζ]", "A", false],
  ["a?b", "a/b", false],
  ["a[^x]b", "a/b", true],
  ["[\\]a]", "]", true],
  ["[\\-x]", "-", true],
  ["[x\\-]", "z", false],
  ["[z-a]", "m", false],
  ["*x", "xxx", true],
  ["a.b", "axb", false],
  ["😀?", "😀😀", true],
])("filepath.Match %p %p", (pattern, name, matches) => {
  expect(goMatch(pattern, name)).toBe(matches);
});

test.each(["[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "a\\", "[a-", "ab[c", "[a\\"])(
  "a malformed pattern %p is an error whatever the name",
  (pattern) => {
    for (const name of ["a", "", "zzz/x"])
      expect(() => goMatch(pattern, name)).toThrow(/^syntax error in pattern$/);
  },
);

test("escaped characters are no wildcards", () => {
  expect(["a*", "a\\*", "[x]", "\\\\?", "plain"].map(hasWildcards)).toEqual([true, false, true, true, false]);
});

test.each<[string[], string, boolean]>([
  [["**"], "file", true],
  [["**"], "dir/file", true],
  [["**/"], "dir/file", true],
  [["**/**"], "dir/file", true],
  [["dir/**"], "dir/file", true],
  [["dir/**"], "dir", false],
  [["dir/**"], "dir/dir2/file", true],
  [["**/dir"], "dir/file", true],
  [["**/dir2/*"], "dir/dir2/file", true],
  [["**/dir2/**"], "dir/dir2/dir2/file", true],
  [["**file"], "dir/file", true],
  [["**/file"], "dir/dir/file", true],
  [["**/file*"], "dir/dir/file.txt", true],
  [["**/file*txt"], "dir/dir/file.txt", true],
  [["**/file*.txt*"], "dir/dir/file.txt", true],
  [["**/*.txt"], "file.txt", true],
  [["**/*.txt2"], "file.txt", false],
  [["a**/*.txt"], "a/file.txt", true],
  [["a**/*.txt"], "a/dir/dir/file.txt", true],
  [["a[b-d]e"], "abe", true],
  [["a[b-d]e"], "ae", false],
  [[".*"], ".foo", true],
  [[".*"], "foo", false],
  [["abc.def"], "abcZdef", false],
  [["abc?def"], "abcZdef", true],
  [["a\\\\"], "a\\", true],
  [["a\\b"], "a\\b", false],
  [["**/foo/bar"], "dir/foo/bar", true],
  [["**/foo/bar"], "foo/bar/x", true],
  [["foo/**/bar"], "foo/bar", true],
  [["foo/**/bar"], "foo/a/b/bar", true],
  [["foo/**/bar"], "foobar", false],
  [["foo**"], "foobar/x", true],
  [["docs"], "docs/a/b", true],
  [["docs"], "docs2", false],
  [["docs", "!docs/README.md"], "docs/README.md", false],
  [["docs", "!docs/README.md"], "docs/x", true],
  [["docs", "!docs/keep", "docs/keep/not"], "docs/keep/not/x", true],
  [["!docs", "docs"], "docs", true],
  [["*", "!*.go"], "main.go", false],
  [["*.{js,ts}"], "a.{js,ts}", true],
  [["*a{2}"], "xaa", true],
  [["a|b*"], "zzz/b", true],
  [["*(x)+$^.txt"], "y(x)+$^.txt", false],
  [["*(x)+$.txt"], "y(x)+$.txt", true],
  [["日本*"], "日本語", true],
  [["?😀"], "a😀", true],
  [[" spaces ", ""], "spaces", true],
  [["a/../b/"], "b/c", true],
])("patterns %p take %p: %p", (patterns, path, matches) => {
  expect(createMatcher(patterns).matches(path)).toBe(matches);
});

test("what is no pattern is refused in Docker's words", () => {
  expect(() => createMatcher(["!"])).toThrow(/^illegal exclusion pattern: "!"$/);
  expect(() => createMatcher([" ! "])).toThrow(/^illegal exclusion pattern: "!"$/);
  expect(() => createMatcher(["[]"])).toThrow(/^syntax error in pattern$/);
  // Only Go's regular expressions refuse these, at the first match.
  expect(() => createMatcher(["[z-a]"]).matches("x")).toThrow(/^syntax error in pattern$/);
  expect(() => createMatcher(["\\y*"]).matches("x")).toThrow(/^syntax error in pattern$/);
});

const name = fc.constantFrom("a", "b", "ab", "a.b", "c", ".x");
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
const pattern = fc
  .tuple(
    fc.constantFrom("", "!", "**/"),
    fc.array(fc.oneof(name, fc.constantFrom("*", "**", "?", "a*", "[ab]")), { minLength: 1, maxLength: 3 }),
  )
  .map(([head, parts]) => head + parts.join("/"));

test("walking down with the parents' results is the same as asking for the whole path", () => {
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 5 }), path, (patterns, whole) => {
      const matcher = createMatcher(patterns);
      let state: readonly boolean[] | undefined;
      let matched = false;
      for (let slash = whole.indexOf("/"); ; slash = whole.indexOf("/", slash + 1)) {
        ({ matched, state } = matcher.matchBelow(slash < 0 ? whole : whole.slice(0, slash), state));
        if (slash < 0) break;
      }
      // A list with exclusions may differ: they look at a parent only where it had matched (moby/buildkit#1563).
      if (!matcher.exclusions) expect(matched).toBe(matcher.matches(whole));
      expect(matcher.matchBelow(whole, undefined).matched).toBe(matcher.matches(whole));
    }),
  );
});

test("many wildcards are matched as few are, and soon", () => {
  const token = fc.constantFrom("a", "b", "/", "*", "**/", "?", "[ab]", "[^a]", "[a-b]", "\\*", "**");
  const text = fc.array(fc.constantFrom("a", "b", "/", "*"), { maxLength: 12 }).map((each) => each.join(""));
  let matched = 0;
  fc.assert(
    fc.property(fc.array(token, { minLength: 1, maxLength: 7 }), text, (tokens, path) => {
      const pattern = tokens.join("");
      if ((pattern.match(/\*+/g)?.length ?? 0) > 3) return;
      const expected = goMatch(pattern, path);
      if (expected) matched++;
      expect(matchManyWildcards(pattern, false)(path)).toBe(expected);
      // Patterns that begin with `**` are compared as suffixes, wildcards and all; others only clean.
      const plain = createMatcher([pattern]).patterns[0];
      if (pattern.startsWith("**") || plain?.text !== pattern) return;
      expect(matchManyWildcards(pattern, true)(path)).toBe(plain.matches(path));
    }),
    { numRuns: 5000 },
  );
  expect(matched).toBeGreaterThan(100);
  const long = "a".repeat(255);
  expect(goMatch("*a*a*a*a*a*a*a*b", long)).toBe(false);
  expect(createMatcher(["**/a*a*a*a*a*a*/**/a*a*b"]).matches(`${long}/${long}/${long}`)).toBe(false);
  expect(createMatcher(["**/a*/**/b*/**/*.c"]).matches("x/ab/y/z/bc/d.c")).toBe(true);
}, 5000);
