import { expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { Packet_PacketType, PacketSchema } from "../messages/file-sync_pb.ts";
import { type FileStat, toByteString } from "./file-stat.ts";
import { PacketEncoder } from "./packet-encoder.ts";
import { type Packet, PacketDecoder } from "./packets.ts";

const text = fc.string({ unit: "binary", maxLength: 40 }).map((s) => s.toWellFormed());
const uint32 = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 0xffffffff }));
const safe = fc.oneof(fc.nat(300), fc.maxSafeInteger());
const bytes = fc.uint8Array({ maxLength: 300 });
const stat = fc.record({
  path: text,
  mode: uint32,
  uid: uint32,
  gid: uint32,
  size: safe,
  modTime: fc.oneof(
    fc.bigInt({ min: 0n, max: 1000n }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  ),
  linkname: text,
  devmajor: safe,
  devminor: safe,
  xattrs: fc.option(fc.dictionary(text, bytes, { minKeys: 1, maxKeys: 3 }), { nil: undefined }),
});
type Known = typeof stat extends fc.Arbitrary<infer S> ? S : never;

const packet = fc.oneof(
  fc.record({ type: fc.constant("stat" as const), stat: fc.option(stat, { nil: undefined }) }),
  fc.record({ type: fc.constant("request" as const), id: uint32 }),
  fc.record({ type: fc.constant("data" as const), id: uint32, data: bytes }),
  fc.constant({ type: "finish" as const }),
  fc.record({ type: fc.constant("error" as const), message: text }),
);
type Wanted = typeof packet extends fc.Arbitrary<infer S> ? S : never;

const ours = (known: Known): FileStat => ({
  ...known,
  path: toByteString(known.path),
  linkname: toByteString(known.linkname),
  xattrs:
    known.xattrs &&
    new Map(Object.entries(known.xattrs).map(([name, value]) => [toByteString(name), value] as const)),
});

function generated(wanted: Wanted): Uint8Array {
  const T = Packet_PacketType;
  if (wanted.type === "stat") {
    const known = wanted.stat;
    const message = known && {
      ...known,
      size: BigInt(known.size),
      devmajor: BigInt(known.devmajor),
      devminor: BigInt(known.devminor),
      xattrs: known.xattrs ?? {},
    };
    return toBinary(PacketSchema, create(PacketSchema, { type: T.PACKET_STAT, stat: message }));
  }
  if (wanted.type === "request")
    return toBinary(PacketSchema, create(PacketSchema, { type: T.PACKET_REQ, id: wanted.id }));
  if (wanted.type === "data")
    return toBinary(
      PacketSchema,
      create(PacketSchema, { type: T.PACKET_DATA, id: wanted.id, data: wanted.data }),
    );
  if (wanted.type === "finish") return toBinary(PacketSchema, create(PacketSchema, { type: T.PACKET_FIN }));
  return toBinary(
    PacketSchema,
    create(PacketSchema, { type: T.PACKET_ERR, data: Buffer.from(wanted.message) }),
  );
}

function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function encode(encoder: PacketEncoder, wanted: Wanted): void {
  if (wanted.type === "stat") encoder.stat(wanted.stat && ours(wanted.stat));
  else if (wanted.type === "request") encoder.request(wanted.id);
  else if (wanted.type === "data") encoder.data(wanted.id, wanted.data);
  else if (wanted.type === "finish") encoder.finish();
  else encoder.error(wanted.message);
}

/** A packet of the decoder's, whose data is kept beyond the chunk. */
const kept = (decoded: Packet): Packet =>
  decoded.type === "data" ? { ...decoded, data: new Uint8Array(decoded.data) } : decoded;

test("packets are encoded to what the generated messages read", () => {
  fc.assert(
    fc.property(packet, (wanted) => {
      const encoder = new PacketEncoder(8);
      encode(encoder, wanted);
      const frame = encoder.take();
      expect(Buffer.from(frame).readUInt32BE(1)).toBe(frame.length - 5);
      const read = fromBinary(PacketSchema, frame.subarray(5));
      expect(read).toEqual(fromBinary(PacketSchema, generated(wanted)));
    }),
    { numRuns: 500 },
  );
});

test("what the generated messages write is decoded, wherever the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(packet, { maxLength: 6 }),
      fc.array(fc.nat(200), { maxLength: 20 }),
      (wanted, cuts) => {
        const stream = Buffer.concat(wanted.map((each) => framed(generated(each))));
        const decoder = new PacketDecoder();
        const decoded: Packet[] = [];
        const take = (each: Packet) => void decoded.push(kept(each));
        let at = 0;
        for (const cut of cuts) {
          decoder.push(Buffer.from(stream.subarray(at, at + cut)), take);
          at = Math.min(at + cut, stream.length);
        }
        decoder.push(stream.subarray(at), take);
        expect(decoder.pending).toBe(false);
        expect(decoded).toEqual(
          wanted.map(
            (each): Packet => (each.type === "stat" ? { ...each, stat: each.stat && ours(each.stat) } : each),
          ),
        );
      },
    ),
    { numRuns: 500 },
  );
});

test("any bytes give packets or an error that says so, and no other", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (message) => {
      try {
        new PacketDecoder().push(framed(message), () => {});
      } catch (thrown) {
        expect(String(thrown)).toContain("malformed packet");
      }
    }),
    { numRuns: 2000 },
  );
  const head = (flags: number, length: number) => {
    const frame = Buffer.alloc(5);
    frame[0] = flags;
    frame.writeUInt32BE(length, 1);
    return frame;
  };
  expect(() => new PacketDecoder().push(head(1, 2), () => {})).toThrow("compressed");
  expect(() => new PacketDecoder().push(head(0, 0xffffffff), () => {})).toThrow("4294967295 bytes");
});

test("names that are no UTF-8 travel as they are", () => {
  const encoder = new PacketEncoder();
  const odd: FileStat = {
    path: "a/\xff\xfe",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: 1,
    modTime: -1n,
    linkname: "\x80",
    devmajor: 0,
    devminor: 0,
    xattrs: undefined,
  };
  encoder.stat(odd);
  const decoded: Packet[] = [];
  new PacketDecoder().push(encoder.take(), (each) => decoded.push(each));
  expect(decoded).toEqual([{ type: "stat", stat: odd }]);
});

test("data read right into the buffer is a packet like any other", () => {
  const encoder = new PacketEncoder(8);
  encoder.request(7);
  expect(encoder.dataFrom(3, 100, (into) => into.fill(9, 0, 40) && 40)).toBe(40);
  expect(encoder.dataFrom(3, 100, () => 0)).toBe(0);
  encoder.data(3, new Uint8Array());
  const decoded: Packet[] = [];
  new PacketDecoder().push(encoder.take(), (each) => decoded.push(kept(each)));
  expect(decoded).toEqual([
    { type: "request", id: 7 },
    { type: "data", id: 3, data: new Uint8Array(40).fill(9) },
    { type: "data", id: 3, data: new Uint8Array() },
  ]);
});
