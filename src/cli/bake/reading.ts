// The reading of bake files as a step of the display: `[internal] load local bake definitions`.
import { createHash } from "node:crypto";
import type { BuildEvent, Instant } from "../../sdk/index.ts";
import type { BakeFile } from "./files.ts";

const NAME = "[internal] load local bake definitions";
const now = (): Instant => BigInt(Date.now()) * 1_000_000n;

/** Done at once: by the time that it is shown the files are read. */
export function readingEvent(files: readonly BakeFile[], started = now()): BuildEvent {
  const digest = `sha256:${createHash("sha256").update(NAME).digest("hex")}`;
  const completed = now();
  return {
    vertexes: [{ digest, inputs: [], name: NAME, started, completed, cached: false, error: "" }],
    statuses: files.map(({ name, text }) => {
      const size = Buffer.byteLength(text);
      return {
        id: name === "-" ? "reading from stdin" : `reading ${name}`,
        vertex: digest,
        name: "",
        current: size,
        total: name === "-" ? 0 : size,
        timestamp: completed,
        started,
        completed,
      };
    }),
    logs: [],
    warnings: [],
  };
}
