// The answer to `docker build --call outline`: the arguments, secrets and agents that a target uses.

import { posix } from "node:path";
import { resolveMount } from "../instructions/index.ts";
import type { GlobalArg } from "../plan/global-args.ts";
import { type DockerfilePlan, dependenciesOf, type PlannedStage } from "../plan/index.ts";
import type { Lines } from "../source.ts";
import { expand } from "../words/index.ts";
import type { Entrypoint } from "./context.ts";
import type { Converted } from "./convert.ts";
import { type LocationJson, locationOf } from "./location-json.ts";
import type { StageBuild } from "./stage-build.ts";
import { textTable } from "./text-table.ts";

interface Item {
  readonly name: string;
  readonly lines: Lines;
}

interface ArgItem extends Item {
  readonly description: string;
  readonly value: string;
}

interface RequiredItem extends Item {
  readonly required: boolean;
}

export function outlineOf(converted: Converted, { data }: Entrypoint) {
  const { plan, target } = converted;
  const { from } = target.planned.stage;
  const stages = inOrder(plan, target.planned);
  const args = firstOfName(stages.flatMap((stage) => argsOf(stage, converted)));
  const secrets = firstOfName(stages.flatMap((stage) => mountsOf(stage, "secret")));
  const ssh = firstOfName(stages.flatMap((stage) => mountsOf(stage, "ssh")));
  const json = {
    ...(from.name && { name: from.name }),
    ...(from.description && { description: from.description }),
    ...(args.length > 0 && { args: args.map(argJson) }),
    ...(secrets.length > 0 && { secrets: secrets.map(requiredJson) }),
    ...(ssh.length > 0 && { ssh: ssh.map(requiredJson) }),
    sources: [Buffer.from(data).toString("base64")],
  };
  const text = [
    targetText(from.name, from.description),
    tableText([
      ["BUILD ARG", "VALUE", "DESCRIPTION"],
      ...args.map(({ name, value, description }) => [name, value, description]),
    ]),
    tableText([["SECRET", "REQUIRED"], ...secrets.map(requiredRow)]),
    tableText([["SSH", "REQUIRED"], ...ssh.map(requiredRow)]),
  ];
  return { json, text: text.join("") };
}

/** The target, what it is built on, what it takes from; each once. */
function inOrder(plan: DockerfilePlan, target: PlannedStage): PlannedStage[] {
  const found = new Set<PlannedStage>();
  const waiting = [target];
  for (let stage = waiting.pop(); stage; stage = waiting.pop()) {
    if (found.has(stage)) continue;
    found.add(stage);
    waiting.push(
      ...dependenciesOf(stage)
        .flatMap((index) => plan.stages[index] ?? [])
        .reverse(),
    );
  }
  return [...found];
}

function firstOfName<T extends Item>(items: readonly T[]): T[] {
  const byName = new Map<string, T>();
  for (const item of items) if (!byName.has(item.name)) byName.set(item.name, item);
  return [...byName.values()].sort((a, b) => a.lines.start - b.lines.start);
}

/** ARGs of the stage, and those before the first FROM that its FROM or its ARGs use. */
function argsOf(stage: PlannedStage, { plan, stages }: Converted): ArgItem[] {
  const { globals, escape: escapeToken } = plan;
  const built: StageBuild | undefined = stages.get(stage.index);
  const used = new Set<string>();
  const own: ArgItem[] = [];
  const { from, instructions } = stage.stage;
  const read = (text: string) => expand(text, globals.values, { escape: escapeToken }).matched;
  for (const name of [...read(from.base), ...read(from.platform)]) used.add(name);
  for (const instruction of instructions) {
    if (instruction.kind !== "arg") continue;
    for (const { name, value, description } of instruction.definitions) {
      const given = built?.state.args.findLast((arg) => arg.name === name)?.value;
      const isInherited = value === undefined && given === globals.values.get(name);
      if (isInherited && globals.values.has(name)) used.add(name);
      else own.push({ name, description, value: given ?? "", lines: instruction.lines });
    }
  }
  return [...own, ...globalArgs(used, plan, read)];
}

/** With those that their defaults use. */
function globalArgs(
  used: Set<string>,
  { globals, dockerfile }: DockerfilePlan,
  read: (text: string) => Iterable<string>,
): ArgItem[] {
  const defaults = new Map(
    dockerfile.args.flatMap(({ definitions }) =>
      definitions.map(({ name, value = "" }) => [name, value] as const),
    ),
  );
  // A set also gives what is added while it is walked.
  for (const name of used) for (const needed of read(defaults.get(name) ?? "")) used.add(needed);
  return [...used].flatMap((name): GlobalArg[] => {
    const definition = globals.definitions.get(name);
    return definition ? [definition] : [];
  });
}

function mountsOf({ stage }: PlannedStage, type: "secret" | "ssh"): RequiredItem[] {
  return stage.instructions.flatMap((instruction) => {
    if (instruction.kind !== "run") return [];
    const mounts = instruction.mounts.map(({ text }) => resolveMount(text, (value) => value));
    return mounts
      .filter((mount) => mount.type === type)
      .map(({ id, source, target, required }) => {
        const name = type === "ssh" ? id || "default" : source || id || posix.basename(target);
        return { name, required, lines: instruction.lines };
      });
  });
}

const argJson = ({ name, description, value, lines }: ArgItem) => ({
  name,
  ...(description && { description }),
  ...(value && { value }),
  location: locationOf([lines]),
});

const requiredJson = ({
  name,
  required,
  lines,
}: RequiredItem): {
  name: string;
  required?: true;
  location: LocationJson;
} => ({ name, ...(required && { required }), location: locationOf([lines]) });

const requiredRow = ({ name, required }: RequiredItem): string[] => [name, required ? "true" : ""];

const tableText = (rows: readonly (readonly string[])[]): string =>
  rows.length > 1 ? `${textTable(rows, 3)}\n` : "";

function targetText(name: string, description: string): string {
  if (!name && !description) return "";
  const rows = [["TARGET:", name || "(default)"]];
  if (description) rows.push(["DESCRIPTION:", description]);
  return `${textTable(rows, 1)}\n`;
}
