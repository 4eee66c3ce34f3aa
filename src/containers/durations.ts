// Durations in words, as docker/go-units' HumanDuration has them; `docker ps` shows them.

const SECOND = 1000;
const MINUTE = 60;
const HOUR = 60;

const UNITS = [
  ["ns", 1],
  ["µs", 1e3],
  ["ms", 1e6],
] as const;

/** "1m30s", "1.5s", "500ms", "0s": nanoseconds as Go writes a time.Duration. */
export function goDuration(nanoseconds: number): string {
  if (nanoseconds < 0) return `-${goDuration(-nanoseconds)}`;
  if (nanoseconds === 0) return "0s";
  const unit = UNITS.findLast(([, size]) => nanoseconds >= size) ?? UNITS[0];
  if (nanoseconds < 1e9) return `${nanoseconds / unit[1]}${unit[0]}`;
  const hours = Math.trunc(nanoseconds / 3600e9);
  const minutes = Math.trunc(nanoseconds / 60e9) % 60;
  const seconds = `${(nanoseconds % 60e9) / 1e9}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

/** "Less than a second", "4 seconds", "About a minute", "2 hours", "3 weeks", … of a time in milliseconds. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / SECOND);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < MINUTE) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / MINUTE);
  if (minutes === 1) return "About a minute";
  if (minutes < HOUR) return `${minutes} minutes`;
  const hours = Math.trunc(seconds / MINUTE / HOUR + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(milliseconds / SECOND / MINUTE / HOUR / 24 / 365)} years`;
}
