// Lists as people want to see them: a table, ids alone, JSON lines, or their own Go template (`--format`).

import { ESCAPES_HTML, structOf, typeName } from "../../base/template/values.ts";
import { fail } from "../framework/failure.ts";
import type { Output } from "../output.ts";
import { alignTabs } from "./tab-writer.ts";

/** What a template sees of one thing: each field made when it is asked for, methods with arguments apart. */
export type Row = object;

/** Makes a row. `kind` is the Go type whose name a template's error would give: `*formatter.ContainerContext`. */
export function row(
  kind: string,
  fields: Record<string, () => unknown>,
  methods: Record<string, (...values: never[]) => unknown> = {},
): Row {
  const made: Row = {};
  // In the order of names, as `--format json` prints them.
  const names = Object.keys(fields).sort();
  for (const name of names) Object.defineProperty(made, name, { enumerable: true, get: fields[name] });
  for (const [name, method] of Object.entries(methods)) Object.defineProperty(made, name, { value: method });
  Object.defineProperty(made, ESCAPES_HTML, { value: true });
  return structOf(made, kind, names);
}

export interface Listing {
  /** `--format`, or the default of config.json; empty for the table. */
  format: string;
  /** The table's template without its word `table`. */
  table: string;
  /** The table's headings by placeholder. */
  headers: Record<string, string>;
  rows: Row[];
}

/** A kind of list: its table and its headings, and how `raw` shows it, if it does. */
export interface ListKind {
  table: string;
  headers: Record<string, string>;
  raw?: string;
  rawQuiet?: string;
}

/** The template for `--format` and `-q`; `key` is what `-q` shows. A template of one's own wins over `-q`. */
export function chooseFormat(
  kind: ListKind,
  format: string,
  options: { quiet: boolean; key: string },
): string {
  if (format === "raw" && kind.raw) return (options.quiet ? kind.rawQuiet : kind.raw) ?? kind.raw;
  return options.quiet && (format === "" || format === "table") ? `{{.${options.key}}}` : format;
}

/** Only placeholders and text: needs no evaluator. */
const PLAIN = /^(?:\{\{\s*\.(\w+)\s*\}\}|[^{])*$/;

/** Prints the rows. */
export async function printRows(out: Output, listing: Listing): Promise<void> {
  await out.write(await renderRows(listing));
}

export async function renderRows({ format, table, headers, rows }: Listing): Promise<string> {
  const asTable = format === "" || format === "table" || format.startsWith("table ");
  let source = format === "" || format === "table" ? table : asTable ? format.slice("table".length) : format;
  if (format === "json") source = "{{json .}}";
  source = source
    .replace(/^ +| +$/g, "")
    .replaceAll("\\t", "\t")
    .replaceAll("\\n", "\n");
  const render = await compile(source);
  const lines = rows.map((one) => `${render(one)}\n`).join("");
  if (!asTable) return lines;
  const heading = await compile(source, true);
  return alignTabs(`${heading(headers)}\n${lines}`);
}

/** What a function makes of a heading: nothing. */
const HEADING_FUNCTIONS = Object.fromEntries(
  ["json", "split", "join", "title", "lower", "upper", "pad", "truncate"].map((name) => [
    name,
    ([text]: unknown[]) => text,
  ]),
);

/** A template as a function of a row. */
export async function compile(source: string, heading = false): Promise<(data: object) => string> {
  if (PLAIN.test(source)) {
    const names = [...source.matchAll(/\{\{\s*\.(\w+)\s*\}\}/g)].map((match) => match[1] ?? "");
    return (data) => {
      for (const name of names) {
        if (!(name in data) && !heading) throw unknownField(source, name, data);
        const value = (data as Record<string, unknown>)[name];
        if (typeof value === "function") throw needsArgument(source, name, value.length);
      }
      return source.replace(/\{\{\s*\.(\w+)\s*\}\}/g, (_, name: string) => {
        // A heading that nobody named is a map's missing key.
        const value = name in data ? (data as Record<string, unknown>)[name] : "<no value>";
        return typeof value === "string" ? value : goText(value);
      });
    };
  }
  const { compileTemplate } = await import("../../base/template/index.ts");
  return compileTemplate(source, heading ? { functions: HEADING_FUNCTIONS } : {});
}

function unknownField(source: string, name: string, data: object) {
  const column = source.search(new RegExp(`\\.${name}\\b`));
  return fail(
    `template parsing error: template: :1:${column}: executing "" at <.${name}>: can't evaluate field ${name} in type ${typeName(data)}`,
  );
}

function needsArgument(source: string, name: string, count: number) {
  const column = source.search(new RegExp(`\\.${name}\\b`));
  return fail(
    `template parsing error: template: :1:${column}: executing "" at <.${name}>: wrong number of args for ${name}: want ${count} got 0`,
  );
}

/** How Go's fmt prints what is no text. */
function goText(value: unknown): string {
  if (value === undefined || value === null) return "<nil>";
  return String(value);
}
