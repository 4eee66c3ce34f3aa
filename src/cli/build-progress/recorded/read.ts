// Recorded progress of builds by Docker 28.5 (`docker build --progress=rawjson`), as events.
import type { BuildEvent, Instant } from "../../../sdk/index.ts";

interface Json {
  [key: string]: unknown;
}

const instant = (text: unknown): Instant | undefined => {
  if (typeof text !== "string") return undefined;
  const [, seconds = "", fraction = ""] = /^(.{19})(?:\.(\d+))?Z$/.exec(text) ?? [];
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
};
const bytes = (text: unknown) => Buffer.from(String(text ?? ""), "base64");
const list = (value: unknown) => (value ?? []) as Json[];

export async function recordedLines(name: string): Promise<string[]> {
  const text = await Bun.file(new URL(`./${name}.jsonl`, import.meta.url).pathname).text();
  return text.trim().split("\n");
}

export function eventOf(line: string): BuildEvent {
  const json = JSON.parse(line) as Json;
  return {
    vertexes: list(json.vertexes).map((one) => ({
      digest: String(one.digest),
      inputs: (one.inputs ?? []) as string[],
      name: String(one.name ?? ""),
      cached: one.cached === true,
      error: String(one.error ?? ""),
      started: instant(one.started),
      completed: instant(one.completed),
    })),
    statuses: list(json.statuses).map((one) => ({
      id: String(one.id),
      vertex: String(one.vertex),
      name: String(one.name ?? ""),
      current: Number(one.current),
      total: Number(one.total ?? 0),
      timestamp: instant(one.timestamp) ?? 0n,
      started: instant(one.started),
      completed: instant(one.completed),
    })),
    logs: list(json.logs).map((one) => ({
      vertex: String(one.vertex),
      stream: Number(one.stream),
      data: bytes(one.data),
      timestamp: instant(one.timestamp) ?? 0n,
    })),
    warnings: list(json.warnings).map((one) => ({
      vertex: String(one.vertex),
      level: Number(one.level),
      short: bytes(one.short).toString(),
      detail: ((one.detail ?? []) as string[]).map((text) => bytes(text).toString()),
      url: String(one.url ?? ""),
      ranges: [],
    })),
  };
}
