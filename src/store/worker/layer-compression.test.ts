// What gzip makes of pieces: the same bytes on any number of processors, in their order, and no work on what can't shrink.
import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { digestOf } from "../../oci/digest.ts";
import { type LayerCompression, layerCompressor } from "./layer-compression.ts";

const PIECE = 1 << 20;

/** Whoever gives the pieces uses one buffer for all of them, as packing does. */
async function compressed(pieces: readonly Buffer[], compression: LayerCompression): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), "berth-compression-"));
  try {
    const fd = openSync(join(folder, "out"), "w");
    const compressor = layerCompressor(fd, compression);
    const buffer = Buffer.alloc(PIECE);
    for (const piece of pieces) {
      piece.copy(buffer);
      await compressor.chunk(buffer.subarray(0, piece.length));
    }
    await compressor.end();
    closeSync(fd);
    const bytes = readFileSync(join(folder, "out"));
    expect(compressor.facts()).toEqual({ digest: digestOf(bytes), size: bytes.length });
    return bytes;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Numbers in words: it shrinks to about a third. */
const words = Buffer.from(
  Array.from({ length: 110_000 }, (_, i) => `${(i * 2654435761) % 4294967296}`).join(" "),
);
const text = (from: number): Buffer => words.subarray(from * 1000, from * 1000 + PIECE);
const noise = randomBytes(PIECE);
const zeros = Buffer.alloc(PIECE);

describe("gzip", () => {
  const mixed = [text(1), noise, zeros, text(2), text(3), zeros, noise, text(4), noise.subarray(0, 12_345)];

  test("is all that was given, in its order, the same each time", async () => {
    const first = await compressed(mixed, { type: "gzip" });
    expect(gunzipSync(first).equals(Buffer.concat(mixed))).toBe(true);
    for (let i = 0; i < 5; i++) expect((await compressed(mixed, { type: "gzip" })).equals(first)).toBe(true);
  });

  test("is what libdeflate alone makes of each piece", async () => {
    for (const level of [1, 4, 9]) {
      const members = mixed.map((piece) =>
        Bun.gzipSync(new Uint8Array(piece), { library: "libdeflate", level: level as 6 }),
      );
      expect((await compressed(mixed, { type: "gzip", level })).equals(Buffer.concat(members))).toBe(true);
    }
  });

  test("of what shrinks is as small as with the level named", async () => {
    for (const piece of [
      text(5),
      zeros,
      Buffer.concat([noise.subarray(0, PIECE / 2), text(6)]).subarray(0, PIECE),
    ])
      expect((await compressed([piece], { type: "gzip" })).length).toBe(
        (await compressed([piece], { type: "gzip", level: 4 })).length,
      );
  });

  test("of what can't shrink is stored, without the attempt", async () => {
    const stored = (piece: Buffer) =>
      Buffer.from(Bun.gzipSync(new Uint8Array(piece), { library: "libdeflate", level: 0 }));
    expect(
      (await compressed([noise, noise], { type: "gzip" })).equals(Buffer.concat([noise, noise].map(stored))),
    ).toBe(true);
    expect((await compressed([noise], { type: "gzip", level: 4 })).equals(stored(noise))).toBe(false);
  });

  test("of nothing is a member", async () => {
    expect(gunzipSync(await compressed([], { type: "gzip" }))).toHaveLength(0);
  });

  test("of level 0 is as it was", async () => {
    const bytes = await compressed([text(7)], { type: "gzip", level: 0 });
    expect([bytes.length > PIECE, gunzipSync(bytes).equals(text(7))]).toEqual([true, true]);
  });
});
