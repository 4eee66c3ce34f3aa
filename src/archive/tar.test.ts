// The tar codec, held against itself in both directions and against bytes that others wrote.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BerthError } from "../base/errors.ts";
import { decodeHeader, encodeHeader, splitName } from "./header.ts";
import { decodeMoment, decodePax, encodeMoment, encodePax } from "./pax.ts";
import { TarReader } from "./reader.ts";
import type { TarEntry } from "./types.ts";
import { END_OF_ARCHIVE, encodeEntry, paddingOf } from "./writer.ts";

/** Reads an archive in pieces of the given size. */
function readAll(archive: Buffer, piece = archive.length || 1): (TarEntry & { content: string })[] {
  const entries: (TarEntry & { content: string })[] = [];
  const reader = new TarReader({
    entry: (entry) => entries.push({ ...entry, content: "" }),
    data: (chunk) => {
      entries.at(-1)!.content += chunk.toString("latin1");
    },
    end: () => {},
  });
  for (let at = 0; at < archive.length; at += piece) reader.push(archive.subarray(at, at + piece));
  reader.finish();
  return entries;
}

const bytes = (options: { min?: number; max: number }) =>
  fc
    .uint8Array({ minLength: options.min ?? 0, maxLength: options.max })
    .map((array) => Buffer.from(array).toString("latin1").replaceAll("\0", "n"));

const name = fc
  .array(
    bytes({ min: 1, max: 120 }).map((part) => part.replaceAll("/", "s")),
    { minLength: 1, maxLength: 5 },
  )
  .map((parts) => parts.join("/"));

const entry = fc
  .record({
    name,
    type: fc.constantFrom("file", "link", "symlink", "character", "block", "directory", "fifo"),
    mode: fc.nat(0o7777),
    uid: fc.nat(0xfffffffe),
    gid: fc.nat(0xfffffffe),
    modified: fc.record({
      seconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      nanoseconds: fc.nat(999_999_999),
    }),
    linkName: bytes({ min: 1, max: 300 }),
    major: fc.nat(4095),
    minor: fc.nat(0xfffff),
    xattrs: fc.dictionary(
      fc.constantFrom("user.a", "security.capability", "user.ü"),
      fc.uint8Array({ maxLength: 90 }),
    ),
    content: bytes({ max: 2000 }),
  })
  .map(({ xattrs, content, ...rest }) => ({
    entry: {
      ...rest,
      linkName: rest.type === "link" || rest.type === "symlink" ? rest.linkName : "",
      size: rest.type === "file" ? content.length : 0,
      xattrs: new Map(Object.entries(xattrs).map(([key, value]) => [key, Buffer.from(value)])),
    } as TarEntry,
    content: rest.type === "file" ? content : "",
  }));

describe("tar", () => {
  test("what is written is read again, whatever the pieces it comes in", () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 4 }), fc.integer({ min: 1, max: 3000 }), (entries, piece) => {
        const archive = Buffer.concat([
          ...entries.flatMap(({ entry, content }) => [
            encodeEntry(entry),
            Buffer.from(content, "latin1"),
            Buffer.alloc(paddingOf(entry.size)),
          ]),
          END_OF_ARCHIVE,
        ]);
        const found = readAll(archive, piece);
        expect(found).toHaveLength(entries.length);
        for (const [at, { entry, content }] of entries.entries()) {
          const { xattrs, ...rest } = found[at]!;
          const written = { ...entry, content };
          if (written.type === "directory") written.name += "/";
          // A long pax-less name may have gone through the prefix field; both must come back whole
          expect({ ...rest, xattrs: xattrs ?? new Map() }).toEqual({
            ...written,
            xattrs: entry.xattrs ?? new Map(),
          });
        }
      }),
      { numRuns: 200 },
    );
  });

  test("random bytes give an error of ours or nothing, never a crash", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.integer({ min: 1, max: 700 }), (random, piece) => {
        try {
          readAll(Buffer.from(random), piece);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(BerthError);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("base-256 numbers, positive and negative, and ones that are too large", () => {
    const block = encodeHeader({
      name: "f",
      mode: 0,
      uid: 0,
      gid: 0,
      size: 0,
      mtime: 0,
      flag: "0",
      linkName: "",
      major: 0,
      minor: 0,
    });
    const withSize = (field: number[]) => {
      const copy = Buffer.from(block);
      copy.set(field, 124);
      copy.fill(0x20, 148, 156);
      const sum = copy.reduce((total, byte) => total + byte, 0);
      copy.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
      return decodeHeader(copy, 0)?.size;
    };
    expect(withSize([0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1])).toBe(2 ** 33 + 1);
    expect(withSize([0xff, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 254])).toBe(-2);
    expect(() => withSize([0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])).toThrow("too large");
    expect(withSize([...Buffer.from(" 17 ")])).toBe(0o17);
    expect(() => withSize([...Buffer.from("00009")])).toThrow("no number");
  });

  test.each([
    ["1.5", { seconds: 1, nanoseconds: 500_000_000 }],
    ["1600000000.123456789", { seconds: 1_600_000_000, nanoseconds: 123_456_789 }],
    ["1.1234567891234", { seconds: 1, nanoseconds: 123_456_789 }],
    ["-1.25", { seconds: -2, nanoseconds: 750_000_000 }],
    ["-3", { seconds: -3, nanoseconds: 0 }],
    ["12", { seconds: 12, nanoseconds: 0 }],
  ])("time %s", (text, moment) => {
    expect(decodeMoment(text)).toEqual(moment);
    if (text.length < 20 && text !== "1.1234567891234") expect(encodeMoment(moment)).toBe(text);
  });

  test.each(["", "x", "1.2.3", "--1", "1e9", "9999999999999999999"])("no time: %p", (text) => {
    expect(() => decodeMoment(text)).toThrow("the time");
  });

  test("pax records have their own length in them, also where it grows by a digit", () => {
    fc.assert(
      fc.property(bytes({ max: 1200 }), (value) => {
        expect(decodePax(encodePax(new Map([["key", value]]))).get("key")).toBe(value);
      }),
    );
  });

  test.each(["5 a=b\n", "6 a=b", "6 a=b\n\n", "x a=b\n", "6 =abc\n", "99999999999 a=b\n", "2 \n", "4 a\n"])(
    "malformed pax record %p",
    (text) => {
      expect(() => decodePax(Buffer.from(text))).toThrow("malformed");
    },
  );

  test("names are split at a slash where both parts fit", () => {
    const long = "a".repeat(90);
    expect(splitName(`${long}/${long}`)).toEqual({ prefix: long, name: long });
    expect(splitName("b".repeat(101))).toBeUndefined();
    expect(splitName(`${"c".repeat(156)}/d`)).toBeUndefined();
    expect(splitName(`${long}/${long}/`)).toEqual({ prefix: long, name: `${long}/` });
  });

  test("a lone block of zeros between entries, and an extended header that nothing follows, are damage", () => {
    const one = encodeEntry({
      name: "a",
      type: "fifo",
      mode: 0,
      uid: 0,
      gid: 0,
      size: 0,
      modified: { seconds: 0, nanoseconds: 0 },
      linkName: "",
      major: 0,
      minor: 0,
    });
    expect(() => readAll(Buffer.concat([one, Buffer.alloc(512), one]))).toThrow("lone block");
    const extended = encodeEntry({
      name: "ü",
      type: "fifo",
      mode: 0,
      uid: 0,
      gid: 0,
      size: 0,
      modified: { seconds: 0, nanoseconds: 1 },
      linkName: "",
      major: 0,
      minor: 0,
    });
    expect(() => readAll(extended.subarray(0, 1024))).toThrow("truncated");
    expect(readAll(one)).toHaveLength(1);
  });
});
