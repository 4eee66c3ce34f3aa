// Times in RFC 3339, and HCL's forms of them (`YYYY-MM-DD'T'hh:mm:ssZ`).
import { parseDuration } from "../../../framework/flags.ts";

export function parseTime(text: string): Date {
  const time = new Date(text);
  if (!/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d/.test(text) || Number.isNaN(time.getTime()))
    throw new Error(`not a valid RFC3339 timestamp: ${JSON.stringify(text)}`);
  return time;
}

const iso = (time: Date) => time.toISOString().replace(/\.000Z$/, "Z");

export const timeAfter = (text: string, duration: string): string =>
  iso(new Date(parseTime(text).getTime() + parseDuration(duration) / 1e6));

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const two = (value: number) => String(value).padStart(2, "0");

/** In UTC. A letter's run is a field; text between quotation marks is as it is. */
export function formatTime(form: string, time: Date): string {
  return form.replace(/'((?:[^']|'')*)'|([A-Za-z])\2*/g, (run, quoted: string | undefined) =>
    quoted === undefined ? field(run, time) : quoted.replaceAll("''", "'"),
  );
}

function field(run: string, time: Date): string {
  const month = MONTHS[time.getUTCMonth()] ?? "";
  const day = DAYS[time.getUTCDay()] ?? "";
  const hour = time.getUTCHours();
  const twelve = hour % 12 || 12;
  const fields: Record<string, string> = {
    YYYY: String(time.getUTCFullYear()),
    YY: two(time.getUTCFullYear() % 100),
    MMMM: month,
    MMM: month.slice(0, 3),
    MM: two(time.getUTCMonth() + 1),
    M: String(time.getUTCMonth() + 1),
    DD: two(time.getUTCDate()),
    D: String(time.getUTCDate()),
    EEEE: day,
    EEE: day.slice(0, 3),
    hh: two(hour),
    h: String(hour),
    HH: two(twelve),
    H: String(twelve),
    AA: hour < 12 ? "AM" : "PM",
    aa: hour < 12 ? "am" : "pm",
    mm: two(time.getUTCMinutes()),
    m: String(time.getUTCMinutes()),
    ss: two(time.getUTCSeconds()),
    s: String(time.getUTCSeconds()),
    ZZZZZ: "+00:00",
    ZZZZ: "+0000",
    ZZZ: "UTC",
    Z: "Z",
  };
  const text = fields[run];
  if (text === undefined) throw new Error(`invalid date format verb ${JSON.stringify(run)}`);
  return text;
}
