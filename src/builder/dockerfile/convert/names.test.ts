import { expect, test } from "bun:test";
import { loadDefinition, verticesOf } from "../../solver/graph.ts";
import { dockerfileFrontend } from "../frontend.ts";
import { EMPTY_CONFIG, memoryRequest } from "./memory-bridge.ts";
import { NAMES } from "./names.cases.ts";

const IMAGES = { "frontendbase:1": EMPTY_CONFIG, "frontendbase:2": EMPTY_CONFIG };

/**
 * Shown once by Docker where the same image is asked for under two names; and what is pinned to one digest is one step
 * here, whoever names it.
 */
const UNSHOWN = new Set([
  "[context named] load metadata for frontendbase:1",
  // A check of our own (copied-scripts.ts).
  "[internal] look at copied scripts",
]);

test.each(NAMES.map((each) => [each.title, each] as const))(
  "%s",
  async (_, { dockerfile, options, names }) => {
    const request = memoryRequest(dockerfile, options, { images: IMAGES });
    const { definitions } = await dockerfileFrontend(request);
    const found = new Set(request.bridge.asked.filter((name) => !UNSHOWN.has(name)));
    for (const definition of definitions.values()) {
      const edge = loadDefinition(definition);
      for (const { name } of edge ? verticesOf(edge) : []) found.add(name.replace(/@sha256:\w+/, "@…"));
    }
    expect([...found].sort()).toEqual([...names]);
  },
);
