// The colours of the terminal display: by default blue, yellow and red; others by BUILDKIT_COLORS, none with NO_COLOR.

export interface Colors {
  run: string;
  cancel: string;
  error: string;
}

const NAMED: Record<string, number> = {
  black: 30,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
  white: 37,
};
const LIGHT = 60;

const code = (number: number | string) => `\x1b[${number}m`;
export const RESET = code(0);
export const FAINT = code(2);

/** `run=green:error=255,0,0`. What can't be read is left out, and `warn` hears of it. */
export function colorsOf(
  environment: Record<string, string | undefined>,
  warn: (text: string) => void = () => {},
): Colors {
  if (environment.NO_COLOR) return { run: "", cancel: "", error: "" };
  const colors: Colors = { run: code(34), cancel: code(33), error: code(31) };
  for (const field of (environment.BUILDKIT_COLORS ?? "").split(":").filter(Boolean)) {
    const [key = "", value = "", ...rest] = field.split("=");
    const name = key.toLowerCase();
    const color = rest.length > 0 ? undefined : sequenceOf(value.toLowerCase());
    if (color === undefined) warn(`Could not parse BUILDKIT_COLORS component: ${field}`);
    else if (name === "run" || name === "cancel" || name === "error") colors[name] = color;
    else if (name !== "warning")
      warn(`Unknown key found in BUILDKIT_COLORS (expected: run, cancel, error, or warning): ${key}`);
  }
  return colors;
}

/** A name, or three numbers, of which the terminal gets the nearest of its 256. */
function sequenceOf(value: string): string | undefined {
  const [, light, name = ""] = /^(light-)?(\w+)$/.exec(value) ?? [];
  const named = NAMED[name];
  if (named !== undefined) return code(light ? named + LIGHT : named);
  if (!/^\d{1,3},\d{1,3},\d{1,3}$/.test(value)) return undefined;
  const parts = value.split(",").map(Number);
  if (parts.some((part) => part > 255)) return undefined;
  const [red = 0, green = 0, blue = 0] = parts.map((part) => Math.floor(part / 43));
  return code(`38;5;${16 + 36 * red + 6 * green + blue}`);
}
