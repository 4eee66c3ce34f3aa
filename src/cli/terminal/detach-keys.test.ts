import { expect, test } from "bun:test";
import fc from "fast-check";
import { DEFAULT_DETACH_KEYS, Detached, parseDetachKeys, watchForDetach } from "./detach-keys.ts";

const KEYS = parseDetachKeys(DEFAULT_DETACH_KEYS);

async function* chunks(list: number[][]): AsyncGenerator<Uint8Array> {
  for (const chunk of list) yield Uint8Array.from(chunk);
}

/** What passes, and whether the keys were seen. */
async function watched(list: number[][], keys = KEYS): Promise<{ passed: number[]; detached: boolean }> {
  const passed: number[] = [];
  try {
    for await (const chunk of watchForDetach(chunks(list), keys)) passed.push(...chunk);
    return { passed, detached: false };
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(Detached);
    return { passed, detached: true };
  }
}

test("names of keys", () => {
  expect(KEYS).toEqual([16, 17]);
  expect(parseDetachKeys("ctrl-a,ctrl-@,x,ctrl-[,ctrl-_")).toEqual([1, 0, 120, 27, 31]);
  for (const bad of ["ctrl-A", "xy", "ctrl-", "ctrl-1"]) {
    expect(() => parseDetachKeys(bad)).toThrow(`Unknown character: '${bad}'`);
  }
});

test("the sequence, in one piece and key by key", async () => {
  expect(await watched([[16], [17]])).toEqual({ passed: [], detached: true });
  expect(await watched([[16, 17]])).toEqual({ passed: [], detached: true });
  expect(await watched([[97], [16], [17], [98]])).toEqual({ passed: [97], detached: true });
});

test("a beginning that isn't followed up passes late, but passes", async () => {
  expect(await watched([[16], [97]])).toEqual({ passed: [16, 97], detached: false });
  expect(await watched([[16], [16], [97]])).toEqual({ passed: [16, 16, 97], detached: false });
  expect(await watched([[16], [1, 2, 3]])).toEqual({ passed: [16, 1, 2, 3], detached: false });
});

test("pasted text is not keys pressed", async () => {
  expect(await watched([[97, 16, 17, 98]])).toEqual({ passed: [97, 16, 17, 98], detached: false });
});

test("without the sequence every byte passes, in order", async () => {
  const byte = fc.integer({ min: 0, max: 255 }).filter((one) => one !== 17);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(byte, { minLength: 1, maxLength: 5 })), async (list) => {
      const { passed, detached } = await watched([...list, [0, 0, 0]]);
      expect(detached).toBe(false);
      expect(passed).toEqual([...list.flat(), 0, 0, 0]);
    }),
  );
});
