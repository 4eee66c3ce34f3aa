// Tells a build in the words of Docker's first builder: steps in their order, each once, whatever the solver does side by side. What a
// step puts out before its turn waits for it.
//
// A step's vertices are those that are written in its lines; one without any (ENV, CMD) is done when its turn comes. The ids behind
// the arrows name states between the instructions; only the last is an image's, since the others are never made images.
import { createHash, randomBytes } from "node:crypto";
import type { Digest } from "../../oci/digest.ts";
import type { Vertex } from "../solver/graph.ts";
import type { Progress, ProgressEvent, StatusEvent, VertexEvent } from "../solver/progress.ts";
import type { ClassicStep } from "./steps.ts";
import type { Tell } from "./types.ts";

/** Bytes of output that wait for their step's turn; older ones go first. */
const KEPT_OUTPUT = 8 << 20;
const SHORT_ID = 12;

export interface NarratorOptions {
  tellRemoved: boolean;
  tellRemovedAlways: boolean;
}

interface Output {
  vertex: Digest;
  stream: 1 | 2;
  data: Uint8Array;
}

export class Narrator {
  private readonly vertices = new Map<Digest, VertexEvent>();
  private readonly waiting: Output[] = [];
  private waitingBytes = 0;
  /** By step; undefined until the graph is known. */
  private graph: Vertex[][] | undefined;
  private at = 0;
  private announced = false;
  /** The container of the RUN that is told of. */
  private container: string | undefined;
  private readonly ids: string[] = [];
  private cached = false;
  private decoders = new Map<1 | 2, TextDecoder>();

  constructor(
    private readonly steps: readonly ClassicStep[],
    private readonly options: NarratorOptions,
    private readonly tell: Tell,
  ) {}

  /** The graph's vertices: what is told of steps can be matched to them from now on. */
  setGraph(vertices: readonly Vertex[]): void {
    this.graph = this.steps.map((step) => vertices.filter((vertex) => isWrittenIn(vertex, step)));
  }

  /** Follows the build to its end. Errors: of `tell`, when the client has gone. */
  async follow(progress: Progress, signal: AbortSignal): Promise<void> {
    await this.advance();
    for await (const events of progress.follow(signal))
      for (const event of events) {
        await this.take(event);
        await this.advance();
      }
  }

  /** The last words about the steps of a build that has its image. */
  async finish(image: string): Promise<void> {
    await this.advance();
    await this.say(` ---> ${short(image)}\n`);
  }

  /** Tells of the step that failed, at this vertex or in this line; answers it. */
  async fail(vertex: Vertex | undefined, line: number | undefined): Promise<ClassicStep | undefined> {
    const failed = this.steps.findIndex(
      (step, at) =>
        (vertex && this.graph?.[at]?.some(({ digest }) => digest === vertex.digest)) ||
        (vertex && isWrittenIn(vertex, step)) ||
        (line !== undefined && step.lines && step.lines.start <= line && line <= step.lines.end),
    );
    const step = this.steps[failed];
    if (!step) return undefined;
    if (failed > this.at) {
      this.at = failed;
      this.announced = false;
      this.container = undefined;
    }
    if (failed === this.at) {
      await this.announce();
      const run = (this.graph?.[failed] ?? []).some((one) => this.vertices.get(one.digest)?.started);
      if (run) await this.begin(step, this.graph?.[failed] ?? []);
      if (this.options.tellRemovedAlways) await this.removed();
    }
    return step;
  }

  private async take(event: ProgressEvent): Promise<void> {
    if (event.kind === "vertex") this.vertices.set(event.digest, event);
    else if (event.kind === "log") this.keep(event);
    else if (event.kind === "status") await this.transfer(event);
  }

  private keep({ vertex, stream, data }: Output): void {
    this.waiting.push({ vertex, stream, data });
    this.waitingBytes += data.length;
    while (this.waitingBytes > KEPT_OUTPUT) this.waitingBytes -= this.waiting.shift()?.data.length ?? 0;
  }

  /** Tells all that can be told by now. */
  private async advance(): Promise<void> {
    for (let step = this.steps[this.at]; step; step = this.steps[this.at]) {
      await this.announce();
      const vertices = this.graph?.[this.at];
      if (step.stage !== undefined && !vertices) return;
      await this.begin(step, vertices ?? []);
      const events = (vertices ?? []).map(({ digest }) => this.vertices.get(digest));
      if (events.some((event) => !event?.completed || event.error !== "")) return;
      await this.complete(step, vertices ?? []);
      this.at++;
      this.announced = false;
    }
  }

  private async announce(): Promise<void> {
    if (this.announced) return;
    this.announced = true;
    this.decoders = new Map();
    await this.say(`Step ${this.at + 1}/${this.steps.length} : ${this.steps[this.at]?.text ?? ""}`);
    await this.say("\n");
  }

  /** The container of a step that runs, and what it has put out. */
  private async begin(step: ClassicStep, vertices: readonly Vertex[]): Promise<void> {
    if (step.kind === "run" && !this.container) {
      const runs = vertices.some(({ digest, op }) => {
        const event = this.vertices.get(digest);
        return op.op.case === "exec" && event?.started !== undefined && !event.cached;
      });
      if (runs) {
        this.container = randomBytes(SHORT_ID / 2).toString("hex");
        await this.say(` ---> Running in ${this.container}\n`);
      }
    }
    await this.flush(vertices);
  }

  private async flush(vertices: readonly Vertex[]): Promise<void> {
    const own = new Set<string>(vertices.map(({ digest }) => digest));
    for (let index = 0; index < this.waiting.length; ) {
      const output = this.waiting[index];
      if (!output || !own.has(output.vertex)) {
        index++;
        continue;
      }
      this.waiting.splice(index, 1);
      this.waitingBytes -= output.data.length;
      await this.put(output.stream, output.data);
    }
  }

  /** Standard error in red, as Docker marks it. */
  private async put(stream: 1 | 2, data: Uint8Array): Promise<void> {
    const decoder = this.decoders.get(stream) ?? new TextDecoder("utf-8", { ignoreBOM: true });
    this.decoders.set(stream, decoder);
    const text = decoder.decode(data, { stream: true });
    if (text !== "") await this.say(stream === 1 ? text : `\u001b[91m${text}\u001b[0m`);
  }

  private async complete(step: ClassicStep, vertices: readonly Vertex[]): Promise<void> {
    const last = this.at === this.steps.length - 1;
    if (step.stage === undefined) {
      this.ids.push("");
      return;
    }
    if (step.kind === "from") this.cached = false;
    else {
      // An instruction without files of its own is as new as what it stands on.
      if (vertices.length > 0)
        this.cached = vertices.every(({ digest }) => this.vertices.get(digest)?.cached === true);
      if (this.cached) await this.say(" ---> Using cache\n");
    }
    if (this.options.tellRemoved) await this.removed();
    this.container = undefined;
    const id = this.idOf(step, vertices);
    this.ids.push(id);
    if (!last) await this.say(` ---> ${id}\n`);
  }

  private async removed(): Promise<void> {
    if (this.container) await this.say(` ---> Removed intermediate container ${this.container}\n`);
  }

  /** What the state after a step follows from: the image's digest, or the state before and what was done. */
  private idOf(step: ClassicStep, vertices: readonly Vertex[]): string {
    if (step.kind === "from") {
      const below = this.steps.findLastIndex(({ stage }, at) => at < this.at && stage === step.base);
      if (step.base !== undefined && below >= 0) return this.ids[below] ?? "";
      const [pinned] = vertices.flatMap(({ op }) =>
        op.op.case === "source" ? (/@sha256:([0-9a-f]+)$/.exec(op.op.value.identifier)?.[1] ?? []) : [],
      );
      return (pinned ?? "").slice(0, SHORT_ID);
    }
    const parts = [this.ids.at(-1) ?? "", step.text, ...vertices.map(({ digest }) => digest)];
    return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, SHORT_ID);
  }

  /** A layer of a base on its way here, as `docker pull` tells it. */
  private async transfer({ id, name, current, total, completed }: StatusEvent): Promise<void> {
    const layer = /^(?:extracting )?(?:sha256:)?([0-9a-f]{12})[0-9a-f]*$/.exec(id)?.[1];
    const status = name === "downloading" ? "Downloading" : name === "extracting" ? "Extracting" : undefined;
    if (!layer) return;
    if (completed) await this.tell({ status: "Pull complete", progressDetail: {}, id: layer });
    else if (status) await this.tell({ status, progressDetail: { current, total }, id: layer });
  }

  private say(stream: string): Promise<void> {
    return this.tell({ stream });
  }
}

const short = (id: string): string => id.replace(/^sha256:/, "").slice(0, SHORT_ID);

function isWrittenIn({ source, digest }: Vertex, { lines }: ClassicStep): boolean {
  if (!lines) return false;
  return (source?.locations[digest]?.locations ?? []).some(({ ranges }) =>
    ranges.some(({ start }) => start && start.line >= lines.start && start.line <= lines.end),
  );
}
