// The builder of this engine, opened by its first request: most daemons run containers all day and build now and then.
import type { Builder, BuildHost } from "../builder/index.ts";
import { foreignPlatforms } from "../runtime/index.ts";
import { buildImages } from "./build-images.ts";
import { runBuildStep } from "./build-step.ts";
import { hostGateways } from "./host-gateways.ts";
import type { Engine } from "./types.ts";

const opened = new WeakMap<Engine, Promise<Builder>>();

export function builderOf(engine: Engine): Promise<Builder> {
  const known = opened.get(engine);
  if (known) return known;
  const opening = import("../builder/index.ts").then(({ openBuilder }) => openBuilder(hostOf(engine)));
  opened.set(engine, opening);
  return opening;
}

/** Waits for builds, which the engine's closing broke off, to take away what is theirs. */
export async function closeBuilder(engine: Engine): Promise<void> {
  await (await opened.get(engine)?.catch(() => undefined))?.close();
}

function hostOf(engine: Engine): BuildHost {
  return {
    store: engine.store,
    environment: engine.environment,
    registrySettings: engine.config,
    entitlements: engine.config.builder.entitlements,
    cacheBounds: engine.config.builder.cacheBounds,
    images: buildImages(engine),
    steps: {
      run: (request) => runBuildStep(engine, request),
      foreignPlatforms: () => foreignPlatforms(engine.environment.platform),
    },
    hostGateways: () => hostGateways(engine),
    closing: engine.closing,
    background: (name, work) => engine.background.run(name, work),
  };
}
