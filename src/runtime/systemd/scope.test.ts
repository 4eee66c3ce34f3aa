import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { cgroupRelativePath, scopeOf } from "../cgroups.ts";
import { type Message, methodCall, readMessage, Writer } from "./dbus.ts";
import { outcomeOf, startTransientUnitCall } from "./scope.ts";

describe("D-Bus messages", () => {
  test("a call is what the specification's rules make of it", () => {
    const call = { serial: 7, destination: "d", path: "/p", interface: "i", member: "m" };
    const bytes = Buffer.from(methodCall(call, "t", new Writer().u64(2 ** 32 + 5)));
    const expected = [
      "6c010001 08000000 07000000 47000000", // little-endian call, 8 bytes of body, serial 7, 71 bytes of fields
      "01016f00 02000000 2f700000 00000000", // path "/p"
      "02017300 01000000 69000000 00000000", // interface
      "03017300 01000000 6d000000 00000000", // member
      "06017300 01000000 64000000 00000000", // destination
      "08016700 01740000", // signature "t"
      "05000000 01000000",
    ];
    expect(bytes.toString("hex")).toBe(expected.join("").replaceAll(" ", ""));
  });

  test("what was written is read again, wherever the bytes are cut", () => {
    const names = fc.string({ unit: "grapheme", maxLength: 40 }).filter((text) => !text.includes("\0"));
    fc.assert(
      fc.property(names, names, fc.nat({ max: 0xffffffff }), fc.nat(), (first, second, number, cut) => {
        const body = new Writer().string(first).u32(number).string(second);
        const call = { serial: 1, destination: "d", path: "/", interface: "i.i", member: "Method" };
        const bytes = Buffer.from(methodCall(call, "sus", body));
        expect(readMessage(bytes.subarray(0, cut % bytes.length))).toBeUndefined();
        const { message, end } = readMessage(Buffer.concat([bytes, bytes])) ?? {};
        expect(end).toBe(bytes.length);
        expect(message).toMatchObject({ type: "call", member: "Method", values: [first, number, second] });
      }),
    );
  });

  test("values stop at a type that isn't read here", () => {
    const scope = { slice: "system.slice", unit: "a.scope", description: "x" };
    const bytes = Buffer.from(startTransientUnitCall(scope, 42));
    expect(readMessage(bytes)?.message.values).toEqual(["a.scope", "fail"]);
    expect(readMessage(bytes)?.end).toBe(bytes.length);
  });
});

describe("what systemd says of a unit's start", () => {
  const said = (message: Partial<Message>): Message => ({
    type: "signal",
    member: "",
    errorName: "",
    replySerial: 0,
    values: [],
    ...message,
  });
  const removed = (unit: string, result: string) =>
    said({ member: "JobRemoved", values: [1, "/job/1", unit, result] });
  test.each([
    [said({ type: "return", replySerial: 1, values: ["/job/1"] }), undefined],
    [removed("other.scope", "done"), undefined],
    [removed("a.scope", "done"), { failure: undefined }],
    [removed("a.scope", "canceled"), { failure: "the job's result is canceled" }],
    [
      said({
        type: "error",
        replySerial: 1,
        errorName: "org.x.UnitExists",
        values: ["Unit a.scope exists."],
      }),
      { failure: "org.x.UnitExists: Unit a.scope exists." },
    ],
    [said({ type: "error", replySerial: 9, errorName: "org.x.No", values: ["no"] }), undefined],
  ])("%j", (message, outcome) => {
    expect(outcomeOf(message, "a.scope")).toEqual(outcome);
  });
});

test.each([
  ["/system.slice/berth-1.scope/container", { slice: "system.slice", unit: "berth-1.scope" }],
  ["/a.slice/a-b.slice/berth-1.scope/container", { slice: "a-b.slice", unit: "berth-1.scope" }],
  ["/berth-1.scope/container", { slice: "-.slice", unit: "berth-1.scope" }],
  ["/berth/1", undefined],
  ["system.slice:berth:1", undefined],
])("the scope of %s", (path, scope) => {
  if (scope === undefined) expect(scopeOf(path)).toBeUndefined();
  else expect(scopeOf(path)).toMatchObject(scope);
  expect(scopeOf(path)?.folder).toBe(
    scope && `/sys/fs/cgroup${cgroupRelativePath(path.replace("/container", ""))}`,
  );
});
