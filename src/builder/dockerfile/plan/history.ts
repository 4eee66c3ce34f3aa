// The image's history: what `docker history` shows as CREATED BY, to the letter as BuildKit writes it.
import type { HealthcheckConfig, HistoryEntry, ImageConfig } from "../../../oci/types.ts";
import { quote, quoteList } from "../go-text.ts";
import { formatDuration } from "../instructions/duration.ts";
import type { AddInstruction, ArgDefinition, CopyInstruction } from "../instructions/index.ts";
import type { Values } from "./global-args.ts";

/** `comment` of every entry. */
const COMMENT = "buildkit.dockerfile.v0";
/** Behind instructions whose layer's content BuildKit made. */
const BUILT = " # buildkit";

export type Layer = "none" | "folder" | "content";

/** The image with one entry more. `folder` is WORKDIR's layer, which bears no mark. `created`: RFC 3339. */
export function withHistory(image: ImageConfig, text: string, layer: Layer, created?: string): ImageConfig {
  const entry: HistoryEntry = {
    ...(created !== undefined && { created }),
    created_by: layer === "content" ? text + BUILT : text,
    comment: COMMENT,
    ...(layer === "none" && { empty_layer: true }),
  };
  return { ...image, history: [...(image.history ?? []), entry] };
}

/** `CMD ["/bin/sh" "-c" "true"]`. */
export const vectorText = (keyword: string, args: readonly string[]): string =>
  `${keyword} ${quoteList(args)}`;

/** `VOLUME [/a /b]`. */
export const listText = (keyword: string, items: readonly string[]): string =>
  `${keyword} [${items.join(" ")}]`;

/** `RUN |2 a=1 b=2 /bin/sh -c make`: the ARGs of the stage so far, with what they are worth to the command. */
export function runText(
  args: readonly string[],
  definitions: readonly ArgDefinition[],
  values: Values,
): string {
  const given = new Map(definitions.map(({ name, value = "" }) => [name, values.get(name) ?? value]));
  const pairs = [...given].map(([name, value]) => `${name}=${value}`);
  return ["RUN", ...(pairs.length > 0 ? [`|${pairs.length}`, ...pairs] : []), ...args].join(" ");
}

/** `COPY --chown=1:1 a b /to/`. */
export function transferText(instruction: AddInstruction | CopyInstruction): string {
  const { kind, chown, chmod, sources } = instruction;
  const parts = [kind.toUpperCase()];
  if (kind === "copy" && instruction.parents) parts.push("--parents");
  if (chown) parts.push(`--chown=${chown}`);
  if (chmod) parts.push(`--chmod=${chmod}`);
  const documents = sources.documents.map(({ name }) => `<<${name}`);
  return [...parts, ...sources.paths, ...documents, sources.destination].join(" ");
}

/** A pointer to Go's struct under %q: a number is shown as the character of that code. */
export function healthText(health: HealthcheckConfig): string {
  const times = [health.Interval, health.Timeout, health.StartPeriod, health.StartInterval];
  const shown = times.map((time) => quote(formatDuration(time ?? 0))).join(" ");
  return `HEALTHCHECK &{${quoteList(health.Test ?? [])} ${shown} ${quotedCharacter(health.Retries ?? 0)}}`;
}

function quotedCharacter(code: number): string {
  const valid = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  const character = valid ? String.fromCodePoint(code) : "\ufffd";
  if (character === "'") return "'\\''";
  if (character === '"') return "'\"'";
  return `'${quote(character).slice(1, -1)}'`;
}
