// `--list=targets` and `--list=variables`, as a table or as JSON.
import { goJson } from "../../base/go-json.ts";
import { parseCsvLine } from "../framework/csv.ts";
import type { Parsed } from "./files.ts";

export interface ListRequest {
  type: "targets" | "variables";
  format: "table" | "json";
}

/** `targets`, or `type=targets,format=json`. Throws Errors with buildx's words. */
export function parseList(text: string): ListRequest {
  const fields = parseCsvLine(text);
  let [type, format] = ["", "table"];
  if (fields.length === 1 && !text.startsWith("type=")) type = text;
  else
    for (const field of fields) {
      const [key = "", value] = field.split(/=(.*)/s);
      if (value === undefined) throw new Error(`invalid value ${field}`);
      if (key === "type") type = value;
      else if (key === "format") format = value;
      else throw new Error(`unexpected key '${key}' in '${field}'`);
    }
  if (type !== "targets" && type !== "variables")
    throw new Error(`invalid list type ${JSON.stringify(type)}`);
  if (format !== "table" && format !== "json")
    throw new Error(`invalid list format ${JSON.stringify(format)}`);
  return { type, format };
}

export function listText({ type, format }: ListRequest, parsed: Parsed): string {
  if (type === "variables") {
    if (format === "json") return `${goJson(parsed.variables, 2).trimEnd()}\n`;
    const rows = parsed.variables.map(({ name, type: kind = "", value = "<null>", description = "" }) => [
      name,
      kind,
      value,
      description,
    ]);
    return table([["VARIABLE", "TYPE", "VALUE", "DESCRIPTION"], ...rows]);
  }
  const entries = [
    ...parsed.targets.map(({ name, description = "" }) => ({ name, description, group: false })),
    ...parsed.groups.map(({ name, description = "", targets }) => {
      const names = [...targets].sort().join(", ");
      return {
        name,
        description: description && names ? `${description} (${names})` : description || names,
        group: true,
      };
    }),
  ]
    .filter(({ name }) => !name.startsWith("_"))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (format === "table")
    return table([["TARGET", "DESCRIPTION"], ...entries.map(({ name, description }) => [name, description])]);
  const shown = entries.map(({ name, description, group }) => ({
    name,
    ...(description && { description }),
    ...(group && { group }),
  }));
  return `${goJson(shown, 2).trimEnd()}\n`;
}

const TAB = 8;

/** As text/tabwriter of Go with tabs for padding: a cell and at least one column more, up to a multiple of eight. */
function table(rows: string[][]): string {
  const columns = (rows[0]?.length ?? 1) - 1;
  const widths = Array.from({ length: columns }, (_, column) => {
    const longest = Math.max(...rows.map((row) => [...(row[column] ?? "")].length));
    return longest === 0 && rows.every((row) => row[column] === "")
      ? 0
      : Math.ceil((longest + 1) / TAB) * TAB;
  });
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column];
          if (width === undefined) return cell;
          return cell + "\t".repeat(Math.ceil((width - [...cell].length) / TAB));
        })
        .join(""),
    )
    .map((line) => `${line}\n`)
    .join("");
}
