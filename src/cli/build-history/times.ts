// Times of builds as the history shows them.
import type { BuildRecord, Instant } from "../../sdk/index.ts";

/** RFC 3339 with as many digits of the fraction as it has. */
export function instantText(instant: Instant): string {
  const seconds = new Date(Number(instant / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  const fraction = String(instant % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${seconds}${fraction ? `.${fraction}` : ""}Z`;
}

/** `2.1s`, `3m  5s`; with a `+` while it runs. */
export function durationText({ created, completed }: BuildRecord): string {
  const end = completed === undefined ? Date.now() / 1000 : Number(completed) / 1e9;
  const seconds = Math.max(0, end - Number(created) / 1e9);
  const text =
    seconds < 60
      ? `${seconds.toFixed(1)}s`
      : `${Math.floor(seconds / 60)}m ${String(Math.floor(seconds) % 60).padStart(2)}s`;
  return completed === undefined ? `${text}+` : text;
}
