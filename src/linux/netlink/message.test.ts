import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  attribute,
  attributesByType,
  decodeAttributes,
  decodeError,
  decodeMessages,
  encodeMessage,
  join,
  NLM_F,
  NLMSG,
  nest,
  read,
  value,
} from "./message.ts";

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bytes = fc.uint8Array({ maxLength: 300 });
const message = fc.record({ type: u16, flags: u16, sequence: u32, portId: u32, payload: bytes });

test("messages survive the wire, several in one datagram", () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
      expect(decodeMessages(join(...messages.map(encodeMessage)))).toEqual(messages);
    }),
  );
});

test("attributes survive the wire", () => {
  const one = fc.record({ type: fc.integer({ min: 0, max: 0x3fff }), value: bytes });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 8 }), (attributes) => {
      const encoded = join(...attributes.map(({ type, value }) => attribute(type, value)));
      expect(encoded.length % 4).toBe(0);
      expect(decodeAttributes(encoded)).toEqual(attributes);
    }),
  );
});

test("numbers and texts are read as they were written", () => {
  fc.assert(
    fc.property(
      u32,
      u16,
      fc.string().filter((text) => !text.includes("\0")),
      (number, short, text) => {
        expect(read.u32(value.u32(number))).toBe(number);
        expect(read.be32(value.be32(number))).toBe(number);
        expect(read.i32(value.i32(number | 0))).toBe(number | 0);
        expect(read.u16(value.u16(short))).toBe(short);
        expect(read.be16(value.be16(short))).toBe(short);
        expect(read.text(value.text(text.toWellFormed()))).toBe(text.toWellFormed());
      },
    ),
  );
});

test("any bytes are decoded or refused, in the buffer's bounds", () => {
  fc.assert(
    fc.property(bytes, (noise) => {
      decodeAttributes(noise);
      try {
        decodeMessages(noise);
      } catch (thrown) {
        expect(String(thrown)).toContain("netlink message of");
      }
    }),
  );
});

test("a message as `ip link add b0 type bridge` sends it", () => {
  const payload = join(
    new Uint8Array(16),
    attribute(3, value.text("b0")),
    nest(18, attribute(1, value.text("bridge"))),
  );
  const sent = encodeMessage({ type: 16, flags: 0x605, sequence: 7, portId: 0, payload });
  expect(Buffer.from(sent).toString("hex")).toBe(
    "38000000" +
      "1000" +
      "0506" +
      "07000000" +
      "00000000" +
      "00".repeat(16) +
      "0700" +
      "0300" +
      "62300000" +
      "1000" +
      "1280" +
      "0b00" +
      "0100" +
      "6272696467650000",
  );
  expect(attributesByType(payload.subarray(16)).get(18)).toBeDefined();
});

describe("errors", () => {
  const error = (flags: number, ...parts: Uint8Array[]) => ({
    type: NLMSG.ERROR,
    flags,
    sequence: 1,
    portId: 0,
    payload: join(...parts),
  });
  const words = attribute(1, value.text("Invalid device"));
  // The request's header: 20 bytes long with its payload of 4.
  const header = join(value.u32(20), new Uint8Array(12));

  test("0 is an acknowledgement", () => {
    expect(decodeError(error(0, value.i32(0), header))).toEqual({ errno: 0 });
  });
  test("without the kernel's words", () => {
    expect(decodeError(error(0, value.i32(-19), header, new Uint8Array(4)))).toEqual({ errno: 19 });
  });
  test("with them, after a whole request and after a capped one", () => {
    const text = "Invalid device";
    expect(decodeError(error(NLM_F.ACK_TLVS, value.i32(-19), header, new Uint8Array(4), words))).toEqual({
      errno: 19,
      text,
    });
    expect(decodeError(error(NLM_F.ACK_TLVS | NLM_F.CAPPED, value.i32(-19), header, words))).toEqual({
      errno: 19,
      text,
    });
  });
  test("at a dump's end", () => {
    const done = {
      type: NLMSG.DONE,
      flags: NLM_F.ACK_TLVS,
      sequence: 1,
      portId: 0,
      payload: join(value.i32(-22), words),
    };
    expect(decodeError(done)).toEqual({ errno: 22, text: "Invalid device" });
  });
});
