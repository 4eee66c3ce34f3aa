// A build's progress as lines that stay: each step has a number, and what several do at the same time is told in turns.
import type { BuildEvent, BuildStatus, Instant } from "../../sdk/index.ts";
import type { Display } from "./display.ts";
import { secondsOf } from "./intervals.ts";
import { shownAmount } from "./sizes.ts";
import { isCanceled, isCompleted, isStarted, type Step, Trace } from "./trace.ts";

/** Milliseconds for which a step that others wait behind keeps the display, and for which another waits at most. */
const TURN = 5000;
const LONGEST_WAIT = 10_000;
/** Nanoseconds, or the part of the whole, after which a status is told again. */
const STATUS_INTERVAL = 5_000_000_000n;
const STATUS_SHARE = 0.05;
/** Lines of a failed step that come again at the end. */
const KEPT_LINES = 10;

interface Shown {
  number: number;
  /** Characters of the first line that stand there already. */
  offset: number;
  /** The last lines, for the end. */
  kept: string[];
}

/** `description`: what `#0` says. `write` gets whole blocks of text. */
export function plainDisplay(
  write: (text: string) => void,
  options: { description?: string; now: () => Instant },
): Display & { trace: Trace } {
  const trace = new Trace(options.now);
  const printer = new Printer(trace, options.description);
  const flush = () => {
    printer.print();
    const text = printer.take();
    if (text) write(text);
  };
  return {
    trace,
    update: (event: BuildEvent) => trace.update(event),
    refresh: flush,
    finish() {
      flush();
      const text = trace.started.map((step) => failure(step, printer.keptLines(step))).join("");
      if (text) write(text);
    },
  };
}

/** The end of a failed step's output, between lines. */
export function failure(step: Step, lines: string[]): string {
  if (!step.error || isCanceled(step)) return "";
  return ["------", ` > ${step.name}:`, ...lines, "------", ""].join("\n");
}

class Printer {
  #text = "";
  #shown = new Map<Step, Shown>();
  #statuses = new Map<string, BuildStatus>();
  #current: Step | undefined;
  #description: string | undefined;
  #first = true;

  constructor(
    private readonly trace: Trace,
    description: string | undefined,
  ) {
    this.#description = description;
  }

  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  keptLines(step: Step): string[] {
    return this.#shown.get(step)?.kept ?? [];
  }

  /** What is complete comes first, then the step whose turn it is. */
  print(): void {
    const visible = [...this.trace.changed].filter(({ hidden }) => !hidden);
    const completed = visible.filter(isCompleted).sort(byEnd);
    const running = new Set(visible.filter((step) => !isCompleted(step)));
    const before = this.#current;
    const ended = before !== undefined && completed.includes(before);
    if (ended) this.#step(before);
    for (const step of completed) if (step !== before) this.#step(step);
    if (running.size === 0) {
      this.#showAny(before);
      return;
    }
    if (before && running.has(before)) this.#step(before);
    const next = this.#nextTurn(before, running, ended);
    if (next) this.#step(next);
  }

  #showAny(before: Step | undefined): void {
    if (before && isStarted(before) && !isCompleted(before)) return;
    const open = this.trace.started.find((step) => !isCompleted(step) && !step.hidden);
    if (open) this.#step(open);
  }

  /** The step that is told of now: the busiest, unless the one before still has its turn. */
  #nextTurn(before: Step | undefined, running: Set<Step>, ended: boolean): Step | undefined {
    if (before) running.add(before);
    const now = performance.now();
    const waits = [...running].map((step) => {
      const waited = now - step.changedSince;
      return {
        step,
        waited,
        speed: step.changes / Math.max(waited, 1e-3),
        late: waited > LONGEST_WAIT && step !== before,
      };
    });
    const busiest = waits.reduce((best, one) => (one.late || one.speed > best.speed ? one : best));
    if (!before || ended) return busiest.step;
    const late = waits.find((one) => one.late);
    if (late) return late.step;
    const own = waits.find(({ step }) => step === before);
    const share = (own?.speed ?? 0) / waits.reduce((sum, { speed }) => sum + speed, 0);
    return TURN / (1 - share) < (own?.waited ?? 0) ? busiest.step : undefined;
  }

  #step(step: Step): void {
    const shown = this.#turnTo(step);
    const { number } = shown;
    let isMoving = false;
    for (const status of step.statuses) {
      if (!step.changedStatuses.has(status.id) || !this.#isNews(status)) continue;
      this.#statuses.set(status.id, status);
      if (!status.completed) isMoving = true;
      this.#line(`#${number} ${statusLine(status)}`);
    }
    step.changedStatuses.clear();
    for (const { short } of step.warnings.splice(0)) this.#line(`#${number} WARN: ${short}`);
    this.#lines(step, shown);
    this.#current = step;
    if (isCompleted(step) && !isMoving) this.#end(step, number);
    this.trace.changed.delete(step);
  }

  /** Leaves the step that was shown, and names this one. */
  #turnTo(step: Step): Shown {
    const shown = this.#shown.get(step) ?? { number: this.#shown.size + 1, offset: 0, kept: [] };
    this.#shown.set(step, shown);
    const before = this.#current;
    if (before === step) return shown;
    if (before) {
      const left = this.#shown.get(before);
      if (before.unfinished) this.#line("");
      if (left) left.offset = 0;
      before.changes = 0;
      this.#line(`#${left?.number} ...`);
    }
    if (!this.#first) this.#line("");
    else if (this.#description) this.#line(`#0 ${this.#description}\n`);
    this.#first = false;
    const { name } = step;
    const short = process.env.PROGRESS_NO_TRUNC === "0" && name.length > 72;
    this.#line(`#${shown.number} ${short ? `${name.slice(0, 72)}...` : name}`);
    return shown;
  }

  #isNews(status: BuildStatus): boolean {
    const last = this.#statuses.get(status.id);
    if (!last || status.completed) return true;
    const moved = status.total > 0 ? (status.current - last.current) / status.total : 0;
    return moved >= STATUS_SHARE || status.timestamp - last.timestamp >= STATUS_INTERVAL;
  }

  #lines(step: Step, shown: Shown): void {
    for (const [index, line] of step.lines.entries()) {
      const isOpen = index === step.lines.length - 1 && step.unfinished;
      this.#text += index === 0 && shown.offset > 0 ? line.slice(shown.offset) : `#${shown.number} ${line}`;
      if (isOpen) continue;
      this.#line("");
      shown.kept.push(line);
      if (shown.kept.length > KEPT_LINES) shown.kept.shift();
    }
    step.lines = step.unfinished ? step.lines.slice(-1) : [];
    shown.offset = step.lines[0]?.length ?? 0;
  }

  #end(step: Step, number: number): void {
    this.#current = undefined;
    step.changes = 0;
    if (step.unfinished) this.#line("");
    if (step.error) this.#line(`#${number} ${isCanceled(step) ? "CANCELED" : `ERROR: ${step.error}`}`);
    else if (step.cached) this.#line(`#${number} CACHED`);
    else {
      const seconds = secondsOf(step.intervals, this.trace.daemonNow());
      this.#line(`#${number} DONE ${seconds.toFixed(1)}s`);
    }
  }

  #line(text: string): void {
    this.#text += `${text}\n`;
  }
}

function byEnd(a: Step, b: Step): number {
  const [x = 0n, y = 0n] = [a.intervals.at(-1)?.stop, b.intervals.at(-1)?.stop];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Below this many seconds a time isn't told. */
const SHORT = 0.01;

function statusLine(status: BuildStatus): string {
  const { id, started, completed, timestamp } = status;
  const amount = shownAmount(status);
  const seconds = started === undefined ? 0 : Number((completed ?? timestamp) - started) / 1e9;
  return [id, amount, seconds > SHORT ? `${seconds.toFixed(1)}s` : "", completed ? "done" : ""]
    .filter(Boolean)
    .join(" ");
}
