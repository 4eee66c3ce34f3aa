// dns-packet is the judge: another's reading of the same standards.
import { describe, expect, test } from "bun:test";
import { decode, encode, type Packet } from "dns-packet";
import fc from "fast-check";
import {
  answer,
  answers,
  encodeName,
  failure,
  idOf,
  parseQuestion,
  type Question,
  RCODE,
  rcodeOf,
  SMALLEST_ROOM,
  TYPE,
  withId,
} from "./message.ts";

const RECURSION_DESIRED = 0x100;
const ask = (name: string, more: Packet = {}): Buffer =>
  encode({
    type: "query",
    id: 0x1234,
    flags: RECURSION_DESIRED,
    questions: [{ type: "A", name }],
    ...more,
  });
const edns = (udpPayloadSize: number): Packet => ({
  additionals: [
    {
      type: "OPT",
      name: ".",
      udpPayloadSize,
      extendedRcode: 0,
      ednsVersion: 0,
      flags: 0,
      flag_do: false,
      options: [],
    },
  ],
});

function parsed(bytes: Buffer): Question {
  const question = parseQuestion(bytes);
  if (!question || "refuse" in question) throw new Error(`no question: ${JSON.stringify(question)}`);
  return question;
}

/** A message changed in one place. */
function changed(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
}

describe("a question", () => {
  test.each<[string, Buffer, Partial<Question>]>([
    ["as it is", ask("web"), { name: "web", type: TYPE.A, internet: true, room: SMALLEST_ROOM }],
    ["in other letters", ask("Web.My-Net"), { name: "web.my-net" }],
    ["of the root", ask("."), { name: "" }],
    ["of IPv6", ask("web", { questions: [{ type: "AAAA", name: "web" }] }), { type: TYPE.AAAA }],
    [
      "of another class",
      ask("web", { questions: [{ type: "A", name: "web", class: "CH" }] }),
      { internet: false },
    ],
    ["with room", ask("web", edns(1232)), { room: 1232 }],
    ["with less room than everybody has", ask("web", edns(100)), { room: SMALLEST_ROOM }],
    ["with a byte beyond ASCII", ask("bücher"), { name: undefined }],
    ["with a dot in a label", changed(ask("a-b.c"), 14, 0x2e), { name: undefined }],
  ])("%s", (_, bytes, expected) => {
    expect(parsed(bytes)).toMatchObject(expected);
  });

  const plain = ask("web");
  test.each<[string, Buffer, ReturnType<typeof parseQuestion>]>([
    ["nothing", Buffer.alloc(0), undefined],
    ["half a header", plain.subarray(0, 11), undefined],
    ["an answer", changed(plain, 2, 0x81), undefined],
    ["an update", changed(plain, 2, 5 << 3), { refuse: RCODE.notImplemented }],
    ["no question", changed(plain, 5, 0), { refuse: RCODE.formatError }],
    ["two questions", changed(plain, 5, 2), { refuse: RCODE.formatError }],
    ["three records more", changed(plain, 11, 3), { refuse: RCODE.formatError }],
    [
      "half a record more",
      changed(ask("web", edns(512)), 11, 2).subarray(0, 25),
      { refuse: RCODE.formatError },
    ],
    ["a name without an end", plain.subarray(0, 14), { refuse: RCODE.formatError }],
    [
      "a name that points at itself",
      changed(changed(plain, 12, 0xc0), 13, 12),
      { refuse: RCODE.formatError },
    ],
    ["a label of 64 bytes", changed(plain, 12, 64), { refuse: RCODE.formatError }],
    ["no type", plain.subarray(0, plain.length - 3), { refuse: RCODE.formatError }],
  ])("%s is none", (_, bytes, expected) => {
    expect(parseQuestion(bytes)).toEqual(expected);
  });

  test("a name of 255 bytes is the longest", () => {
    const long = (last: number) => [...Array(3).fill("a".repeat(63)), "b".repeat(last)].join(".");
    expect(parsed(ask(long(61))).name).toBe(long(61));
    expect(parseQuestion(ask(long(62)))).toEqual({ refuse: RCODE.formatError });
  });

  const label = fc.stringMatching(/^[a-zA-Z0-9_-]{1,63}$/);
  test("any name is read as it was written", () => {
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 3 }), (labels) => {
        const name = labels.join(".");
        expect(parsed(ask(name)).name).toBe(name.toLowerCase());
      }),
    );
  });
  test("whatever comes is read or refused, and what is answered can be read", () => {
    const random = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
    const spoilt = fc
      .tuple(label, fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 }), fc.nat(80))
      .map(([name, changes, cut]) => {
        const bytes = ask(name, edns(4096));
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        return bytes.subarray(0, bytes.length - (cut % 3));
      });
    fc.assert(
      fc.property(fc.oneof(random, spoilt), (bytes) => {
        const question = parseQuestion(bytes);
        if (!question) return;
        const reply =
          "refuse" in question
            ? failure(bytes, question.refuse)
            : answer(question, [Buffer.of(1, 2, 3, 4)], 1, 4096);
        expect(idOf(reply)).toBe(idOf(bytes));
        expect(reply[2]).toBeGreaterThanOrEqual(0x80);
        if (!("refuse" in question)) expect(answers(reply, question)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("an answer", () => {
  const addresses = (count: number) =>
    Array.from({ length: count }, (_, i) => Buffer.of(10, 0, i >> 8, i & 255));

  test("of addresses, to the name as it was asked", () => {
    const { id, flags, rcode, questions, answers } = decode(
      answer(parsed(ask("WeB.Net")), addresses(2), 600, 512),
    ) as ReturnType<typeof decode> & { rcode: string };
    expect({ id, rcode, questions }).toEqual({
      id: 0x1234,
      rcode: "NOERROR",
      questions: [{ name: "WeB.Net", type: "A", class: "IN" }],
    });
    // An answer, recursion desired and available.
    expect(flags).toBe(0x180);
    expect(answers?.map((record) => ({ ...record }))).toMatchObject([
      { name: "WeB.Net", type: "A", ttl: 600, class: "IN", data: "10.0.0.0" },
      { name: "WeB.Net", type: "A", ttl: 600, class: "IN", data: "10.0.0.1" },
    ]);
  });
  test.each([
    [512, 30],
    [1232, 75],
    [65535, 100],
  ])("into %d bytes go %d of a hundred addresses", (room, count) => {
    const question = parsed(ask("many"));
    const bytes = answer(question, addresses(100), 600, room);
    expect(bytes.length).toBeLessThanOrEqual(room);
    const message = decode(bytes) as ReturnType<typeof decode> & { flag_tc: boolean };
    expect(message.answers).toHaveLength(count);
    expect(message.flag_tc).toBe(count < 100);
  });
  test("of nothing, though the question had an OPT record", () => {
    const message = decode(answer(parsed(ask("web", edns(4096))), [], 600, 512));
    expect(message.answers).toEqual([]);
    expect(message.additionals).toEqual([]);
  });
  test("of a name", () => {
    const bytes = ask("2.0.19.172.in-addr.arpa", {
      questions: [{ type: "PTR", name: "2.0.19.172.in-addr.arpa" }],
    });
    const data = encodeName("web.my-net");
    expect(decode(answer(parsed(bytes), [data as Buffer], 600, 512)).answers).toMatchObject([
      { type: "PTR", data: "web.my-net" },
    ]);
  });
  test.each(["", "a..b", "a".repeat(64), Array(5).fill("a".repeat(60)).join(".")])(
    "no name is %j",
    (name) => {
      expect(encodeName(name)).toBeUndefined();
    },
  );
  test("of a failure repeats the question", () => {
    const bytes = ask("web");
    const reply = failure(bytes, RCODE.serverFailure, parsed(bytes));
    expect(rcodeOf(reply)).toBe(RCODE.serverFailure);
    expect(decode(reply).questions).toHaveLength(1);
    expect(decode(failure(bytes, RCODE.formatError)).questions).toHaveLength(0);
  });
});

describe("a server's reply", () => {
  const question = parsed(ask("example.com"));
  const reply = (name: string, more: Packet = {}) =>
    encode({
      type: "response",
      id: 9,
      questions: [{ type: "A", name }],
      answers: [{ type: "A", name, data: "1.2.3.4" }],
      ...more,
    });

  test.each<[string, Buffer, boolean]>([
    ["to it", reply("example.com"), true],
    ["in other letters", reply("EXAMPLE.com"), true],
    ["to another name", reply("example.org"), false],
    ["to another type", reply("example.com", { questions: [{ type: "AAAA", name: "example.com" }] }), false],
    ["that is a question", ask("example.com"), false],
    ["without a question", reply("example.com", { questions: [] }), false],
    ["of a failure without a question", failure(question.bytes, RCODE.formatError), true],
    ["cut off", reply("example.com").subarray(0, 20), false],
    ["of nothing", Buffer.alloc(0), false],
  ])("%s", (_, bytes, expected) => {
    expect(answers(bytes, question)).toBe(expected);
  });
  test("gets another id in a copy", () => {
    const bytes = reply("example.com");
    expect(idOf(withId(bytes, 77))).toBe(77);
    expect(idOf(bytes)).toBe(9);
  });
});
