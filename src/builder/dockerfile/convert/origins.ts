// Before stages are built: what they begin with and copy from is loaded, all of it side by side; triggers of images may
// need more.
import { scratch, type Tree } from "../../../buildkit/llb/index.ts";
import type { ImageConfig, Platform } from "../../../oci/types.ts";
import {
  countSteps,
  type DockerfilePlan,
  emptyImage,
  linkStep,
  type Origin,
  type PlannedStage,
  parseTrigger,
  reachableStages,
  type Step,
  stageLabel,
  stepName,
  triggersOf,
} from "../plan/index.ts";
import type { Lines } from "../source.ts";
import { rangesOf } from "../source.ts";
import { type LoadedBase, loadBase, platformCheck } from "./base.ts";
import type { ConvertRequest } from "./convert.ts";
import { located } from "./located-error.ts";
import { loadNamedContext } from "./named-context.ts";
import { sourceInfoOf, type UsedTree } from "./stage-build.ts";

export interface Origins {
  /** With the triggers of their bases in front of their own steps. */
  readonly stages: readonly PlannedStage[];
  readonly needed: ReadonlySet<number>;
  /** By a stage's index; none for a stage on another. */
  readonly bases: ReadonlyMap<number, LoadedBase>;
  /** Stages whose place a context of the client takes. */
  readonly replaced: ReadonlySet<number>;
  /** Images and contexts that steps copy and mount from. */
  readonly images: ReadonlyMap<Origin, UsedTree>;
  /** The paths of each stage that others use. */
  readonly paths: readonly Set<string>[];
}

/** Errors: LocatedError. */
export async function prepareStages(
  plan: DockerfilePlan,
  request: ConvertRequest,
  targetPlatform: Platform,
): Promise<Origins> {
  const loader = new OriginLoader(plan, request, targetPlatform);
  while (await loader.loadMore()) loader.addTriggers();
  return loader;
}

class OriginLoader implements Origins {
  readonly bases = new Map<number, LoadedBase>();
  readonly replaced = new Set<number>();
  readonly images = new Map<Origin, UsedTree>();
  readonly paths: Set<string>[] = [];
  stages: PlannedStage[];
  needed: ReadonlySet<number> = new Set();
  private readonly triggered = new Set<number>();
  private readonly labels: readonly string[];

  constructor(
    private readonly plan: DockerfilePlan,
    private readonly request: ConvertRequest,
    private readonly targetPlatform: Platform,
  ) {
    this.stages = [...plan.stages];
    this.labels = plan.stages.map(({ label }) => label);
    // What is used of a stage is used of the one that it is on.
    for (const { base } of this.stages)
      this.paths.push(base.kind === "stage" ? this.paths[base.index]! : new Set());
  }

  /** Loads what the needed stages need and isn't loaded; false when there was nothing. */
  async loadMore(): Promise<boolean> {
    const target = this.stages[this.plan.target.index]!;
    this.needed = this.request.allStages ? new Set(this.stages.keys()) : reachableStages(this.stages, target);
    const work: Promise<void>[] = [];
    for (const stage of this.stages) {
      if (!this.needed.has(stage.index)) continue;
      if (stage.base.kind !== "stage" && !this.bases.has(stage.index))
        work.push(this.at(stage.stage.from.lines, () => this.loadStage(stage)));
      for (const step of stage.steps) work.push(...this.loadSources(step));
    }
    const waiting = this.stages.some(({ index }) => this.needed.has(index) && !this.triggered.has(index));
    await Promise.all(work);
    return work.length > 0 || waiting;
  }

  /** ONBUILD of the bases becomes the first steps of the stages on them. */
  addTriggers(): void {
    for (const stage of this.stages) {
      if (!this.needed.has(stage.index) || this.triggered.has(stage.index)) continue;
      this.triggered.add(stage.index);
      const { from } = stage.stage;
      const { escape: _, table } = this.plan;
      const steps = this.triggersFor(stage).map((expression) =>
        linkStep(parseTrigger(expression, from.lines), table, "\\", true),
      );
      if (steps.length > 0) this.stages[stage.index] = { ...stage, steps: [...steps, ...stage.steps] };
    }
  }

  private triggersFor({ base, index }: PlannedStage): readonly string[] {
    if (this.replaced.has(index)) return [];
    if (base.kind === "stage") return triggersOf(this.plan.stages[base.index]!.stage.instructions);
    return this.bases.get(index)?.image.config?.OnBuild ?? [];
  }

  private async at<T>(lines: Lines, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      throw located(thrown, sourceInfoOf(this.request.files.entrypoint.file), lines);
    }
  }

  private async loadStage(stage: PlannedStage): Promise<void> {
    const { base, index } = stage;
    const { targetPlatform } = this;
    const { platform = targetPlatform } = stage;
    const followPaths = () => usedPaths(this.paths[index]!);
    if (base.kind === "scratch") {
      this.bases.set(index, scratchBase(targetPlatform));
    } else if (base.kind === "context") {
      const context = await loadNamedContext(this.request, base.name, platform, followPaths);
      if (!context) throw new Error(`no context ${base.name}, though there was one`);
      const image = context.image ?? { ...emptyImage(platform), config: {} };
      const own = platformOf(image) ?? stage.platform ?? targetPlatform;
      this.replaced.add(index);
      this.bases.set(index, { tree: context.tree, image, platform: own, numbered: false });
    } else {
      this.bases.set(index, await this.loadImage(stage, stage.baseName, followPaths));
    }
  }

  private loadImage(
    stage: PlannedStage,
    name: string,
    followPaths: () => readonly string[],
  ): Promise<LoadedBase> {
    const { request, plan, targetPlatform } = this;
    const { from } = stage.stage;
    const { file } = request.files.entrypoint;
    return loadBase(request, {
      ...this.shared(name, followPaths),
      ...(stage.platform && { platform: stage.platform }),
      label: (pinned, own) => ({
        name: stepName(
          {
            stage: stageLabel(plan.stages, stage),
            number: 1,
            total: countSteps(stage, 0),
            ...(request.options.multiPlatform && { platform: { own, variables: new Map() } }),
          },
          `FROM ${pinned}`,
        ),
        description: { "com.docker.dockerfile.v1.command": from.source },
        locations: [{ file, ranges: rangesOf(from.lines) }],
      }),
      check: platformCheck(from, name, plan.linter),
      targetPlatform,
    });
  }

  private shared(name: string, followPaths: () => readonly string[]) {
    const { request, targetPlatform } = this;
    return {
      name,
      targetPlatform,
      implicitTarget: request.targetPlatform === undefined,
      buildPlatforms: request.buildPlatforms,
      followPaths,
      stages: this.labels,
    };
  }

  /** Images and contexts that a step takes from. Each has its own paths, as each is a step of its own in BuildKit. */
  private loadSources({ sources, instruction }: Step): Promise<void>[] {
    return sources.flatMap((origin) => {
      if (origin.kind !== "image" || this.images.has(origin)) return [];
      const used = { tree: scratch(), paths: new Set<string>() };
      this.images.set(origin, used);
      const load = async () => {
        const { tree } = await loadBase(this.request, {
          ...this.shared(origin.name, () => usedPaths(used.paths)),
          label: (pinned) => ({
            name: `FROM ${pinned}`,
            locations: [{ file: this.request.files.entrypoint.file, ranges: rangesOf(instruction.lines) }],
          }),
        });
        this.images.set(origin, { ...used, tree });
      };
      return [this.at(instruction.lines, load)];
    });
  }
}

function scratchBase(platform: Platform): LoadedBase {
  const tree: Tree = scratch();
  return { tree, image: emptyImage(platform), platform, numbered: false };
}

function platformOf({ os, architecture, variant }: ImageConfig): Platform | undefined {
  return os && architecture ? { os, architecture, ...(variant && { variant }) } : undefined;
}

/** Paths as a folder of the client's is asked for them; none when all of it is used. */
export function usedPaths(paths: ReadonlySet<string>): string[] {
  if (paths.has("/")) return [];
  return [...paths].map((path) => path.replace(/^\/+/, "")).sort((a, b) => (a < b ? -1 : 1));
}
