// A build's progress in a terminal: a line a step, drawn over itself, and a window with the output of those that run.
import type { Instant } from "../../sdk/index.ts";
import { type Colors, FAINT, RESET } from "./colors.ts";
import type { Display } from "./display.ts";
import { type Interval, secondsOf } from "./intervals.ts";
import { LogScreen } from "./log-screen.ts";
import { failure } from "./plain.ts";
import { shownAmount } from "./sizes.ts";
import { isCanceled, isCompleted, type Step, Trace } from "./trace.ts";

export interface TerminalOptions {
  write: (text: string) => void;
  /** Columns and rows. */
  size: () => { width: number; height: number };
  /** Stands at the end of the first line: `docker:default`. */
  description: string;
  colors: Colors;
  now: () => Instant;
  /** Lines of a window, at most; BUILDKIT_TTY_LOG_LINES. */
  windowLines?: number;
}

const HIDE = "\x1b[?25l";
const SHOW = "\x1b[?25h";
const WINDOW = 6;
/** What a window's lines leave free beside them. */
const WINDOW_MARGIN = 10;
/** Below this a time is none. */
const SHORT = 0.05;

interface Row {
  name: string;
  amount: string;
  intervals: Interval[];
  isCompleted: boolean;
  color: keyof Colors;
  /** The step whose window may stand below. */
  step?: Step;
}

interface Window {
  screen: LogScreen;
  bytes: number;
  /** How often it was shown: windows take turns. */
  shown: number;
}

export function ttyDisplay(options: TerminalOptions): Display & { trace: Trace } {
  const windows = new Map<Step, Window>();
  const trace = new Trace(options.now, (step, { data }) => {
    let window = windows.get(step);
    if (!window) {
      window = { screen: new LogScreen(WINDOW, options.size().width - WINDOW_MARGIN), bytes: 0, shown: 0 };
      windows.set(step, window);
    }
    window.bytes += data.length;
    window.screen.write(data);
  });
  let drawn = 0;
  const draw = (all: boolean) => {
    const { width, height } = options.size();
    const rows = trace.started.flatMap(rowsOf);
    const lines = Math.max(WINDOW, Math.min(options.windowLines ?? WINDOW, height - WINDOW - 1));
    const open = chooseWindows(rows, windows, height, lines);
    const hidden = [...open.values()].reduce((sum, window) => sum + window.screen.lines().length, 0);
    const visible = all ? rows : fitting(rows, height - 2 - hidden);
    let text = drawn > 0 ? `\x1b[${drawn}A` : "";
    text += `\x1b[0G${HIDE}${header(trace, options, width, all)}`;
    let count = 1;
    for (const row of visible) {
      const line = rowText(row, trace.daemonNow(), width, options.colors);
      if (line === undefined) continue;
      text += line;
      count++;
      const window = row.step && open.get(row.step);
      if (!window) continue;
      window.screen.resize(lines, width - WINDOW_MARGIN);
      window.shown++;
      for (const content of window.screen.lines()) {
        text += `${FAINT} => => # ${content}\n${RESET}`;
        count++;
      }
    }
    const rest = drawn - count;
    if (rest > 0) text += `${`${" ".repeat(width)}\n`.repeat(rest)}\x1b[${rest}A\x1b[0G`;
    drawn = count;
    options.write(text + SHOW);
  };
  return {
    trace,
    update: (event) => trace.update(event),
    refresh: () => draw(false),
    finish() {
      draw(true);
      const text = trace.started.map((step) => failure(step, step.lines)).join("");
      if (text) options.write(text);
    },
  };
}

/** `[+] Building 1.2s (5/7) FINISHED      docker:default`. */
function header(trace: Trace, { description }: TerminalOptions, width: number, all: boolean): string {
  const steps = [...trace.byDigest.values()].filter(({ hidden }) => !hidden);
  const completed = steps.filter(isCompleted).length;
  const now = trace.daemonNow();
  const seconds = trace.begin === undefined ? 0 : Number(now - trace.begin) / 1e9;
  const end = all && completed > 0 && completed === steps.length ? "FINISHED" : "";
  const left = `[+] Building ${seconds.toFixed(1)}s (${completed}/${steps.length}) ${end}`;
  return `${aligned(left, description, width - 1).slice(0, width)}\n`;
}

const aligned = (left: string, right: string, width: number) =>
  `${left.padEnd(width - right.length - 1)} ${right}`;

function rowsOf(step: Step): Row[] {
  const { error, cached, intervals } = step;
  const canceled = error !== "" && isCanceled(step);
  const mark = canceled ? "CANCELED " : error ? "ERROR " : "";
  const rows: Row[] = [
    {
      name: `${cached ? "CACHED " : ""}${mark}${step.name.replaceAll("\t", " ")}`,
      amount: "",
      intervals,
      isCompleted: [...step.byStart.values()].every(({ stop }) => stop !== undefined),
      color: canceled ? "cancel" : error ? "error" : "run",
      step,
    },
  ];
  for (const status of step.statuses) {
    const { id, started, completed } = status;
    rows.push({
      name: `=> ${id}`,
      amount: shownAmount(status),
      intervals: started === undefined ? [] : [{ start: started, stop: completed }],
      isCompleted: completed !== undefined,
      color: "run",
    });
  }
  for (const { short } of step.warnings)
    rows.push({
      name: `WARN: ${short}`,
      amount: "",
      intervals: intervals.slice(-1),
      isCompleted: false,
      color: "cancel",
    });
  return rows;
}

/** One line; undefined where the terminal is too narrow for any, and for what hasn't begun. */
function rowText(row: Row, now: Instant, width: number, colors: Colors): string | undefined {
  if (row.intervals.length === 0) return undefined;
  const seconds = secondsOf(row.intervals, now);
  const timer = ` ${(seconds < SHORT ? 0 : seconds).toFixed(1)}s\n`;
  let room = width - " => ".length - timer.length - 1;
  const withAmount = row.amount !== "" && room + row.amount.length > 20;
  if (withAmount) room -= row.amount.length + 1;
  if (room < 12) return undefined;
  const left = ` => ${row.name.slice(0, room)}${withAmount ? ` ${row.amount}` : ""}`;
  const line = aligned(left, timer, width);
  const color = row.isCompleted ? colors[row.color] : "";
  return color ? `${color}${line}${RESET}` : line;
}

/** Which steps' windows there is room for: those that write most, in turns. */
function chooseWindows(
  rows: Row[],
  windows: Map<Step, Window>,
  height: number,
  lines: number,
): Map<Step, Window> {
  const rank = ({ bytes, shown }: Window) => bytes + shown * 50;
  const candidates = rows
    .flatMap(({ step, isCompleted }) => {
      const window = step && windows.get(step);
      return window && !isCompleted && window.bytes > 0 ? [{ step, window }] : [];
    })
    .sort((a, b) => rank(b.window) - rank(a.window));
  const need = lines + 3;
  let free = height - 2 - rows.filter((row) => !row.isCompleted).length;
  const open = new Map<Step, Window>();
  for (const { step, window } of candidates) {
    if (free <= need) break;
    open.set(step, window);
    free -= need;
  }
  return open;
}

/** The last rows that fit, with those before them that still run in the place of such that don't. */
function fitting(rows: Row[], limit: number): Row[] {
  if (limit < 0) return [];
  if (rows.length <= limit) return rows;
  const last = rows.slice(rows.length - limit);
  let unseen = rows.slice(0, rows.length - limit).filter((row) => !row.isCompleted);
  let left = unseen.length;
  if (left === 0) return last;
  const kept = last.filter((row) => {
    const stays = !row.isCompleted || left <= 0;
    left--;
    return stays;
  });
  unseen = unseen.slice(Math.max(0, unseen.length - (last.length - kept.length)));
  return [...unseen, ...kept];
}
