import { describe, expect, test } from "bun:test";
import { decode, encode, type RecordType } from "dns-packet";
import { ownAnswer } from "./answer.ts";
import { parseQuestion } from "./message.ts";
import { addressOfReverse } from "./reverse.ts";
import type { NameSource } from "./types.ts";

const source = (ndots = false): NameSource => ({
  addresses: (_, name, family) =>
    ({
      web: { 4: ["172.19.0.2"], 6: [] },
      six: { 4: [], 6: ["fd00::2"] },
      many: { 4: ["172.19.0.2", "172.19.0.3", "172.19.0.4"], 6: [] },
      gone: { 4: [], 6: [] },
    })[name]?.[family],
  nameOf: (_, address) => ({ "172.19.0.2": "web.net", "fd00::2": "six.net" })[address],
  upstream: () => [],
  ndotsSet: () => ndots,
});

/** What is answered: values of the records, or "upstream". */
function ask(type: RecordType, name: string, from = source(), klass: "IN" | "CH" = "IN"): unknown {
  const bytes = encode({ type: "query", questions: [{ type, name, class: klass }] });
  const question = parseQuestion(bytes);
  if (!question || "refuse" in question) throw new Error("not a question");
  const reply = ownAnswer(from, "some-sandbox", question, 512);
  return reply
    ? decode(reply).answers?.map((record) => ("data" in record ? record.data : undefined))
    : "upstream";
}

describe("is answered from the source", () => {
  test.each<[RecordType, string, unknown]>([
    ["A", "web", ["172.19.0.2"]],
    ["A", "WEB", ["172.19.0.2"]],
    ["AAAA", "web", []],
    ["A", "six", []],
    ["AAAA", "six", ["fd00::2"]],
    ["A", "example.com", "upstream"],
    ["A", "unknown", "upstream"],
    ["MX", "web", []],
    ["MX", "six", []],
    ["MX", "gone", "upstream"],
    ["MX", "example.com", "upstream"],
    ["SRV", "_http._tcp.web", "upstream"],
    ["TXT", "web", "upstream"],
    ["PTR", "2.0.19.172.in-addr.arpa", ["web.net"]],
    ["PTR", "3.0.19.172.in-addr.arpa", "upstream"],
    ["PTR", "web", "upstream"],
    ["PTR", `${"2.0.".padEnd(60, "0.")}d.f.ip6.arpa`, ["six.net"]],
  ])("%s of %s: %j", (type, name, expected) => {
    expect(ask(type, name)).toEqual(expected);
  });
  test("with ndots set, unknown names without a dot are not asked elsewhere", () => {
    expect(ask("A", "unknown", source(true))).toEqual([]);
    expect(ask("AAAA", "unknown", source(true))).toEqual([]);
    expect(ask("TXT", "unknown", source(true))).toBe("upstream");
    expect(ask("A", "unknown.domain", source(true))).toBe("upstream");
    expect(ask("A", "web", source(true))).toEqual(["172.19.0.2"]);
  });
  test("another class is somebody else's", () => {
    expect(ask("A", "web", source(), "CH")).toBe("upstream");
  });
  test("several addresses come in every order", () => {
    const orders = new Set(Array.from({ length: 200 }, () => JSON.stringify(ask("A", "many"))));
    expect(orders.size).toBe(6);
  });
});

describe("the address of a reverse look-up", () => {
  test.each([
    ["2.0.19.172.in-addr.arpa", "172.19.0.2"],
    ["0.19.172.in-addr.arpa", undefined],
    ["2.0.19.300.in-addr.arpa", undefined],
    ["in-addr.arpa", undefined],
    ["1:2.in-addr.arpa", undefined],
    [`${"1.".padEnd(64, "0.")}ip6.arpa`, "::1"],
    [`${"g.".padEnd(64, "0.")}ip6.arpa`, undefined],
    ["1.0.ip6.arpa", undefined],
    ["web", undefined],
  ])("%s is %p", (name, address) => {
    expect(addressOfReverse(name)).toBe(address);
  });
});
