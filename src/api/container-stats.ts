// GET /containers/{id}/stats: figures a second, or once.
import * as engine from "../engine/index.ts";
import { flag, type Handler } from "./request.ts";

const stats: Handler = async ({ name, query, signal }, rooms) => {
  const stream = flag(query, "stream", true);
  const oneShot = flag(query, "one-shot");
  const readings = await engine.containerStats(rooms, name, { stream, oneShot }, signal);
  return {
    kind: "stream",
    contentType: "application/json",
    lazy: !stream,
    async write(sink) {
      for await (const reading of readings) await sink.write(`${toJson(reading)}\n`);
    },
  };
};

/** Counters of 64 bits stay whole. */
const toJson = (value: unknown): string =>
  JSON.stringify(value, (_key, part) => (typeof part === "bigint" ? JSON.rawJSON(part.toString()) : part));

export const handlers = { stats } satisfies Record<string, Handler>;
