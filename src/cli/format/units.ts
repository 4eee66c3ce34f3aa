// Sizes and durations in the words of docker/go-units: `3.07MB`, `About a minute`, `512m` back into bytes.

const DECIMAL = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];

/** A number as Go's %.4g writes it. */
function general(value: number, precision: number): string {
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(precision)))));
  if (exponent < -4 || exponent >= precision) {
    const [mantissa = "", power = ""] = value.toExponential(precision - 1).split("e");
    const digits = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
    return `${digits}e${power.startsWith("-") ? "-" : "+"}${power.replace(/^[+-]/, "").padStart(2, "0")}`;
  }
  const fixed = value.toPrecision(precision);
  return fixed.includes(".") ? fixed.replace(/\.?0+$/, "") : fixed;
}

function scaled(size: number, base: number, units: string[], precision: number): string {
  let value = size;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return `${general(value, precision)}${units[unit]}`;
}

/** `1.234kB`: powers of ten, four digits unless told otherwise. */
export function humanSize(bytes: number, precision = 4): string {
  return scaled(bytes, 1000, DECIMAL, precision);
}

/** `1.205KiB`: powers of two. */
export function binarySize(bytes: number): string {
  return scaled(bytes, 1024, BINARY, 4);
}

/** `512m`, `1.5GiB`, `64 kb` in bytes, powers of two (go-units RAMInBytes). */
export function parseRam(text: string): number {
  const last = /^(.*[\d. ])([^\d. ]*)$/s.exec(text);
  if (!last) throw new Error(`invalid size: '${text}'`);
  const number = (last[1] ?? "").replace(/ $/, "");
  const suffix = (last[2] ?? "").toLowerCase();
  if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(number)) {
    throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(number)}: invalid syntax`);
  }
  const size = Number(number);
  if (size < 0) throw new Error(`invalid size: '${text}'`);
  const match = /^(?:b|([kmgtp])(?:i?b)?)?$/.exec(suffix);
  if (!match) throw new Error(`invalid suffix: '${suffix}'`);
  const power = match[1] ? "kmgtp".indexOf(match[1]) + 1 : 0;
  return Math.trunc(size * 1024 ** power);
}

/** `Less than a second`, `5 minutes`, `About an hour` for a time in seconds (go-units HumanDuration). */
export function humanDuration(totalSeconds: number): string {
  const seconds = Math.trunc(totalSeconds);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(totalSeconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(totalSeconds / 3600);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(totalSeconds / 3600 / 24 / 365)} years`;
}

/** The time since a moment (seconds since 1970): `3 minutes ago`. */
export function ago(unixSeconds: number): string {
  return `${humanDuration(Date.now() / 1000 - unixSeconds)} ago`;
}

/** Cuts a text to `length` characters on a screen, the last one an ellipsis where something was cut. */
export function ellipsis(text: string, length: number): string {
  if (length <= 0) return "";
  const characters = [...text];
  if (Bun.stringWidth(text) <= length) return text;
  if (length <= 1) return characters[0] ?? "";
  let width = 0;
  let kept = "";
  for (const one of characters) {
    width += Bun.stringWidth(one);
    if (width > length - 1) break;
    kept += one;
  }
  return `${kept}…`;
}

/** The short form of an id: twelve characters after the algorithm's name. */
export function shortId(id: string): string {
  const colon = id.indexOf(":");
  return (colon >= 0 ? id.slice(colon + 1) : id).slice(0, 12);
}

/** Seconds since 1970 as Go prints a local time: `2026-11-21 09:10:07 +0000 UTC`. */
export function goTime(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000);
  const two = (number: number) => String(number).padStart(2, "0");
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.trunc(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone} ${zoneName(date, offset)}`;
}

function zoneName(date: Date, offset: number): string {
  if (offset === 0 && !process.env.TZ) return "UTC";
  const part = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" })
    .formatToParts(date)
    .find(({ type }) => type === "timeZoneName")?.value;
  return part ?? "UTC";
}

/** A text in double quotes as Go's strconv.Quote writes it. */
export function goQuote(text: string): string {
  let quoted = "";
  for (const one of text) {
    const code = one.codePointAt(0) ?? 0;
    const named: Record<string, string> = {
      '"': '\\"',
      "\\": "\\\\",
      "\n": "\\n",
      "\t": "\\t",
      "\r": "\\r",
      "\x07": "\\a",
      "\b": "\\b",
      "\f": "\\f",
      "\v": "\\v",
    };
    if (named[one]) quoted += named[one];
    else if (code < 0x20 || code === 0x7f) quoted += `\\x${code.toString(16).padStart(2, "0")}`;
    else if (!/\p{C}|\p{Z}/u.test(one) || one === " ") quoted += one;
    else
      quoted +=
        code > 0xffff
          ? `\\U${code.toString(16).padStart(8, "0")}`
          : `\\u${code.toString(16).padStart(4, "0")}`;
  }
  return `"${quoted}"`;
}

/** A time of the API as Go prints it: `2026-11-21 09:10:07.123456789 +0000 UTC`. */
export function goStamp(text: string): string {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (!match) return text;
  const zone = match[3] === "Z" ? "+0000 UTC" : `${match[3]?.replace(":", "")} ${match[3]?.replace(":", "")}`;
  const clock = (match[2] ?? "").replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  return `${match[1]} ${clock} ${zone}`;
}
