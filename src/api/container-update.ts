// POST /containers/{id}/update: other limits, another restart policy.
import * as engine from "../engine/index.ts";
import { type Handler, json } from "./request.ts";

const update: Handler = async ({ name, body }, rooms) => {
  const warnings = await engine.updateContainer(rooms, name, (body ?? {}) as engine.UpdateRequest);
  return json({ Warnings: warnings.length > 0 ? warnings : null });
};

export const handlers = { update } satisfies Record<string, Handler>;
