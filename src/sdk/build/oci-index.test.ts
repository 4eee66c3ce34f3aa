import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestByTag, putIntoIndex, resolveLayout } from "./oci-index.ts";

const manifest = (letter: string) => ({ digest: `sha256:${letter.repeat(64)}`, mediaType: "m", size: 1 });

test("names lead to what was put last under them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "berth-index-"));
  try {
    expect(await resolveLayout(folder, "latest")).toBeUndefined();
    await putIntoIndex(folder, manifest("a"), [{ tag: "latest" }]);
    // The only one is meant whatever the name.
    expect(await resolveLayout(folder, "other")).toBe(manifest("a").digest);
    await putIntoIndex(folder, manifest("b"), [{ name: "docker.io/library/app:1" }, { tag: "latest" }]);
    expect(await digestByTag(folder, "latest")).toBe(manifest("b").digest);
    expect(await digestByTag(folder, "docker.io/library/app:1")).toBe(manifest("b").digest);
    expect(await digestByTag(folder, "1")).toBe(manifest("b").digest);
    await putIntoIndex(folder, manifest("c"), [{ tag: "v2" }]);
    expect(await resolveLayout(folder, "other")).toBeUndefined();
    expect(await resolveLayout(folder, "v2")).toBe(manifest("c").digest);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
