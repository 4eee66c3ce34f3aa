// What all `prune` commands share: the question before, config.json's filters, the account after.
import { humanSize } from "../format/units.ts";
import type { Session } from "../session.ts";

/** `--filter` with config.json's pruneFilters, where the command line doesn't name the same kind. */
export async function pruneFilters(
  session: Session,
  given: Record<string, string[]>,
): Promise<Record<string, string[]>> {
  const filters: Record<string, string[]> = {};
  for (const [name, values] of Object.entries(given)) filters[name] = [...values];
  for (const text of (await session.config()).pruneFilters ?? []) {
    const [name = "", ...rest] = text.split("=");
    const value = rest.join("=");
    // A `label!` on the command line takes config.json's `label` of the same value back.
    const opposite = name === "label" ? "label!" : name === "label!" ? "label" : "";
    if (given[opposite]?.includes(value)) continue;
    filters[name] = [...new Set([...(filters[name] ?? []), value])];
  }
  return filters;
}

/** Asks for consent; anything but a yes is a no, and where nobody can answer it is one too. A no ends the command in silence. */
export async function confirm(session: Session, warning: string): Promise<boolean> {
  await session.out.write(`${warning} [y/N] `);
  const reader = Bun.stdin.stream().getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  const answer = new TextDecoder()
    .decode(value ?? new Uint8Array())
    .split("\n")[0]
    ?.trim()
    .toLowerCase();
  return answer === "y";
}

export const reclaimed = (bytes: number) => `Total reclaimed space: ${humanSize(bytes)}`;
