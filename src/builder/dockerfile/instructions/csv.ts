// The comma-separated fields of `--mount` and `--device`: RFC 4180 on one line, as Go's csv packages read it.
import { invalid } from "../../../base/errors.ts";

/** Errors: invalid, `parse error on line 1, column …` as Go says it; `EOF` for an empty text. */
export function csvFields(text: string): string[] {
  const line = text.replace(/\r?\n$/, "");
  if (line === "") throw invalid("EOF");
  const fields: string[] = [];
  for (let at = 0; ; ) {
    const field = line[at] === '"' ? quoted(line, at) : plain(line, at);
    fields.push(field.value);
    if (field.end >= line.length) return fields;
    at = field.end + 1;
    if (at === line.length) return [...fields, ""];
  }
}

function plain(line: string, from: number): { value: string; end: number } {
  const comma = line.indexOf(",", from);
  const end = comma < 0 ? line.length : comma;
  const value = line.slice(from, end);
  const bare = value.indexOf('"');
  if (bare >= 0) throw at(line, from + bare, 'bare " in non-quoted-field');
  return { value, end };
}

function quoted(line: string, from: number): { value: string; end: number } {
  let value = "";
  for (let start = from + 1; ; ) {
    const quote = line.indexOf('"', start);
    if (quote < 0) throw at(line, start, 'extraneous or missing " in quoted-field');
    value += line.slice(start, quote);
    const following = line[quote + 1];
    if (following === undefined || following === ",") return { value, end: quote + 1 };
    if (following !== '"') throw at(line, quote, 'extraneous or missing " in quoted-field');
    value += '"';
    start = quote + 2;
  }
}

/** Go counts columns in bytes, from 1. */
const at = (line: string, index: number, problem: string) =>
  invalid(`parse error on line 1, column ${Buffer.byteLength(line.slice(0, index)) + 1}: ${problem}`);
