// The recorded command lines (test/cli/network-cases.ts) hold this to Docker's client; here is what they can't try out.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { holds, parseSubnet } from "./subnet.ts";

const ipv4 = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 });
const groups = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 });
const colons = (parts: number[]) => parts.map((part) => part.toString(16)).join(":");

/** The first so many bits of numbers that are `width` bits wide. */
const bits = (parts: number[], width: number, count: number) =>
  parts
    .map((part) => part.toString(2).padStart(width, "0"))
    .join("")
    .slice(0, count);

test("a subnet holds what begins with the same bits", () => {
  fc.assert(
    fc.property(ipv4, ipv4, fc.nat(32), fc.nat(32), (base, other, prefix, same) => {
      const near = base.map((byte, i) => (i * 8 < same ? byte : (other[i] ?? 0)));
      const subnet = parseSubnet(`${base.join(".")}/${prefix}`);
      const expected = bits(base, 8, prefix) === bits(near, 8, prefix);
      expect(holds(subnet, near.join("."))).toBe(expected);
      expect(holds(subnet, `${near.join(".")}/32`)).toBe(expected);
      expect(holds(subnet, `::ffff:${near.join(".")}`)).toBe(expected);
    }),
  );
  fc.assert(
    fc.property(groups, groups, fc.nat(128), fc.nat(8), (base, other, prefix, same) => {
      const near = base.map((group, i) => (i < same ? group : (other[i] ?? 0)));
      const expected = bits(base, 16, prefix) === bits(near, 16, prefix);
      expect(holds(parseSubnet(`${colons(base)}/${prefix}`), colons(near))).toBe(expected);
    }),
  );
});

test("a run of zeros may be left out anywhere", () => {
  for (const text of ["::", "::1", "1::", "1::2", "1:2:3:4::8", "::2:3:4:5:6:7:8", "1:2::7:8"]) {
    const whole = new URL(`http://[${text}]/`).hostname.slice(1, -1);
    const [head = "", tail = ""] = text.split("::");
    const given = [head, tail].map((side) => side.split(":").filter(Boolean));
    const zeros = new Array<string>(8 - given.flat().length).fill("0");
    const written = [...(given[0] ?? []), ...zeros, ...(given[1] ?? [])].join(":");
    expect(holds(parseSubnet(`${text}/128`), written)).toBe(true);
    expect(holds(parseSubnet(`${written}/128`), whole)).toBe(true);
    expect(holds(parseSubnet(`${text}/128`), "9::9")).toBe(false);
  }
});

test("addresses of the two kinds are not in each other's subnets, and what is no address is in none", () => {
  expect(holds(parseSubnet("0.0.0.0/0"), "::1")).toBe(false);
  expect(holds(parseSubnet("::/0"), "10.0.0.1")).toBe(false);
  expect(holds(parseSubnet("0.0.0.0/0"), "nonsense")).toBe(false);
});
