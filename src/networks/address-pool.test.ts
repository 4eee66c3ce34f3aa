import { expect, test } from "bun:test";
import fc from "fast-check";
import { chooseSubnet, DEFAULT_POOLS, firstUsable, lowestFree, type Pool } from "./address-pool.ts";
import { contains, formatIp, formatPrefix, overlaps, type Prefix, parseIp, prefixOf } from "./prefix.ts";

const ip4 = fc.nat({ max: 0xffffffff }).map(BigInt);
const prefix4 = (min: number, max: number) =>
  fc.tuple(ip4, fc.integer({ min, max })).map(([base, length]): Prefix => {
    const host = BigInt(32 - length);
    return { family: 4, base: (base >> host) << host, length };
  });

test("addresses given out one after another are the subnet's, all different, and none is reserved", () => {
  fc.assert(
    fc.property(prefix4(20, 29), fc.integer({ min: 1, max: 40 }), (subnet, count) => {
      const pool: Pool = {
        subnet: formatPrefix(subnet),
        gateway: firstUsable(subnet),
        auxiliary: { a: formatIp(4, subnet.base + 3n) },
      };
      const taken = new Set<string>();
      for (let i = 0; i < count; i++) {
        const address = lowestFree(pool, taken);
        if (address === undefined) {
          // Full: all but network, broadcast, gateway and the auxiliary one.
          expect(taken.size).toBe(2 ** (32 - subnet.length) - 4);
          return;
        }
        expect(taken.has(address)).toBe(false);
        expect(contains(subnet, prefixOf(`${address}/32`))).toBe(true);
        expect([pool.gateway, pool.auxiliary?.a, formatIp(4, subnet.base)]).not.toContain(address);
        taken.add(address);
      }
    }),
  );
});

test("what is given back is the next one given out, as it is the lowest", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 200 }), (host) => {
      const pool: Pool = { subnet: "10.1.0.0/24", gateway: "10.1.0.1" };
      const taken = new Set(Array.from({ length: 253 }, (_, i) => `10.1.0.${i + 2}`));
      expect(lowestFree(pool, taken)).toBeUndefined();
      taken.delete(`10.1.0.${host}`);
      expect(lowestFree(pool, taken)).toBe(`10.1.0.${host}`);
    }),
  );
});

test.each([
  [{ subnet: "172.17.0.0/16", gateway: "172.17.0.1" }, [], "172.17.0.2"],
  [{ subnet: "172.17.0.0/16", gateway: "172.17.0.1", range: "172.17.8.0/24" }, [], "172.17.8.0"],
  [{ subnet: "10.0.0.0/31" }, [], "10.0.0.0"],
  [{ subnet: "10.0.0.0/32" }, [], "10.0.0.0"],
  [{ subnet: "fd00::/64", gateway: "fd00::1" }, ["fd00::2"], "fd00::3"],
  // Not in canonical form, as a person writes it.
  [{ subnet: "fd00:0::/64", gateway: "fd00:0:0::1" }, [], "fd00::2"],
])("the lowest free of %j", (pool, taken, address) => {
  expect(lowestFree(pool, new Set(taken))).toBe(address);
});

test("the chosen subnet is of the pools, and overlaps nothing in use; there is none only if all are taken", () => {
  fc.assert(
    fc.property(fc.array(prefix4(8, 24), { maxLength: 12 }), (used) => {
      const chosen = chooseSubnet(DEFAULT_POOLS, 4, used);
      if (chosen) {
        expect(used.some((prefix) => overlaps(prefix, chosen))).toBe(false);
        expect(
          DEFAULT_POOLS.some(({ base, size }) => contains(prefixOf(base), chosen) && chosen.length === size),
        ).toBe(true);
      } else {
        for (const { base } of DEFAULT_POOLS)
          expect(used.some((prefix) => overlaps(prefix, prefixOf(base)))).toBe(true);
      }
    }),
  );
});

test("Docker's order of pools", () => {
  const used: Prefix[] = [];
  const chosen: string[] = [];
  for (let i = 0; i < 18; i++) {
    const subnet = chooseSubnet(DEFAULT_POOLS, 4, used);
    if (!subnet) break;
    used.push(subnet);
    chosen.push(formatPrefix(subnet));
  }
  expect(chosen.slice(0, 4)).toEqual(["172.17.0.0/16", "172.18.0.0/16", "172.19.0.0/16", "172.20.0.0/16"]);
  expect(chosen.slice(14, 17)).toEqual(["172.31.0.0/16", "192.168.0.0/20", "192.168.16.0/20"]);
});

test("numbers and texts of addresses", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (number) => {
      expect(parseIp(formatIp(6, number))).toEqual({ family: 6, number });
    }),
  );
});
