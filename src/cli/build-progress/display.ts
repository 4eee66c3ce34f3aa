// How a build's progress is shown: which display, and how often it is drawn.
import type { BuildEvent, Instant } from "../../sdk/index.ts";

export interface Display {
  update(event: BuildEvent): void;
  /** Shows what has changed. */
  refresh(): void;
  /** Shows all there is, and what failed. */
  finish(): void;
}

export const MODES = ["auto", "plain", "tty", "rawjson", "quiet"] as const;
export type Mode = (typeof MODES)[number];

/** Nanoseconds since 1970, as exact as this host's clock is told here. */
export const clock = (): Instant =>
  BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;

/** Milliseconds between two drawings at least, and without anything new. */
const DRAW = 100;
const TICK = 150;

/** Draws a display as events come: not for each of them, and now and then without one, since times move on. */
export function drive(display: Display): { event(event: BuildEvent): void; end(): void } {
  const rate = Number(process.env.TTY_DISPLAY_RATE) || undefined;
  let drawn = 0;
  const draw = () => {
    drawn = performance.now();
    display.refresh();
  };
  const timer = setInterval(() => {
    if (performance.now() - drawn >= (rate ?? TICK)) draw();
  }, rate ?? TICK);
  return {
    event(event) {
      display.update(event);
      if (performance.now() - drawn >= (rate ?? DRAW)) draw();
    },
    end() {
      clearInterval(timer);
      display.finish();
    },
  };
}
