// Sizes as BuildKit's progress shows them: `254B`, `1.23kB`, `10.24MB`.

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

export function shownSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(2)}${UNITS[unit]}`;
}

/** `1.2MB / 3.4MB`, `1.2MB`, or nothing. */
export function shownAmount({ current, total }: { current: number; total: number }): string {
  if (total !== 0) return `${shownSize(current)} / ${shownSize(total)}`;
  return current !== 0 ? shownSize(current) : "";
}
