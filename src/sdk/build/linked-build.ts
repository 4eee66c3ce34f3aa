// A build that the client drives: it has the frontend solve by the bridge, keeps the result for the builds that stand on it, and
// returns it (as docker/buildx does for linked targets of a bake file).
import type { Result } from "../../buildkit/messages/gateway_pb.ts";
import type { Definition } from "../../buildkit/messages/ops_pb.ts";
import { type Bridge, drive } from "./drive.ts";
import type { BuildPlan } from "./plan.ts";

/** How a build stands on others, and others on it. */
export interface Linking {
  /** What is there in a context's place, by its name. */
  contexts: ReadonlyMap<string, Promise<Result>>;
  /** Told of what this build comes to. */
  provide(result: Result): void;
  /** The session of this build is asked for its files by others until then. */
  until: Promise<unknown>;
}

const CONFIG = "containerimage.config";

/** Contexts as the frontend is told of them; waits for the builds that make them. */
export async function linkedInputs(linking: Linking): Promise<{
  attributes: Record<string, string>;
  inputs: Record<string, Definition>;
}> {
  const attributes: Record<string, string> = {};
  const inputs: Record<string, Definition> = {};
  for (const [context, coming] of linking.contexts) {
    const { result, metadata } = await coming;
    const add = (suffix: string, key: string, definition: Definition | undefined) => {
      if (!definition) return;
      const name = `${context}${suffix}`;
      inputs[name] = definition;
      attributes[`context:${name}`] = `input:${name}`;
      const config = metadata[key];
      if (config)
        attributes[`input-metadata:${name}`] = JSON.stringify({
          [CONFIG]: Buffer.from(config).toString("base64"),
        });
    };
    if (result.case === "ref") add("", CONFIG, result.value.def);
    if (result.case === "refs")
      for (const [platform, { def }] of Object.entries(result.value.refs))
        add(`::${platform}`, `${CONFIG}/${platform}`, def);
  }
  return { attributes, inputs };
}

export interface DriveRequest {
  ref: string;
  plan: BuildPlan;
  attributes: Record<string, string>;
  linking: Linking;
  signal?: AbortSignal;
}

/** Solves and returns. Throws what the daemon says; it then ends the build. */
export function driveBuild(
  bridge: Bridge,
  { plan, attributes, linking, ...build }: DriveRequest,
): Promise<void> {
  return drive(bridge, build, async (options) => {
    const linked = await linkedInputs(linking);
    const frontendOpt = { ...attributes, ...linked.attributes };
    for (const name of linking.contexts.keys())
      if (frontendOpt[`context:${name}`]?.startsWith("target:")) delete frontendOpt[`context:${name}`];
    const { result } = await bridge.solve(
      {
        frontend: plan.frontend,
        frontendOpt,
        frontendInputs: linked.inputs,
        allowResultReturn: true,
        allowResultArrayRef: true,
      },
      options,
    );
    if (result) linking.provide(result);
    await bridge.return({ result }, options);
  });
}
