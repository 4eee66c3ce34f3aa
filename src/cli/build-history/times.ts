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
  const text = secondsText(Math.max(0, end - Number(created) / 1e9));
  return completed === undefined ? `${text}+` : text;
}

export const secondsText = (seconds: number): string =>
  seconds < 60
    ? `${seconds.toFixed(1)}s`
    : `${Math.floor(seconds / 60)}m ${String(Math.floor(seconds) % 60).padStart(2)}s`;

/** `1m2.5s`, `694.355803ms`, as Go prints a duration. */
export function nanosecondsText(nanoseconds: bigint): string {
  const total = Number(nanoseconds);
  if (total === 0) return "0s";
  if (total < 1e9) {
    const [unit, size] = total < 1e3 ? ["ns", 1] : total < 1e6 ? ["µs", 1e3] : ["ms", 1e6];
    return `${total / Number(size)}${unit}`;
  }
  const [hours, minutes] = [Math.floor(total / 3600e9), Math.floor(total / 60e9) % 60];
  const seconds = `${(total % 60e9) / 1e9}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

/** In this host's zone: `2006-01-02 15:04:05`; in full with fraction and zone, `2006-01-02 15:04:05.25 +0200 CEST`. */
export function localTime(instant: Instant, inFull = false): string {
  const { text, fraction, offset, date } = localParts(instant);
  if (!inFull) return text.replace("T", " ");
  const zone =
    offset === 0
      ? "UTC"
      : (new Intl.DateTimeFormat("en-US", { timeZoneName: "short" })
          .formatToParts(date)
          .find(({ type }) => type === "timeZoneName")?.value ?? "");
  return `${text.replace("T", " ")}${fraction} ${offsetText(offset, "")} ${zone}`;
}

/** RFC 3339 in this host's zone. */
export function localStamp(instant: Instant): string {
  const { text, fraction, offset } = localParts(instant);
  return `${text}${fraction}${offset === 0 ? "Z" : offsetText(offset, ":")}`;
}

function localParts(instant: Instant) {
  const date = new Date(Number(instant / 1_000_000n));
  const offset = -date.getTimezoneOffset();
  const text = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19);
  const fraction = String(instant % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return { text, fraction: fraction && `.${fraction}`, offset, date };
}

function offsetText(minutes: number, between: string): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${minutes < 0 ? "-" : "+"}${String(hours).padStart(2, "0")}${between}${String(rest).padStart(2, "0")}`;
}
