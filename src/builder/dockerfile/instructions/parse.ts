// From nodes to typed instructions, with BuildKit's errors (frontend/dockerfile/instructions).
import { BerthError, invalid } from "../../../base/errors.ts";
import { trim } from "../go-text.ts";
import { DockerfileError } from "../source.ts";
import { didYouMean } from "../suggest.ts";
import { explainRemark, type InstructionNode } from "../syntax/index.ts";
import type { Escape } from "../words/index.ts";
import { readFlags } from "./flags.ts";
import { parseHealthcheck } from "./healthcheck.ts";
import { parseDevice, readMountFlag } from "./mounts.ts";
import { parseAdd, parseCopy } from "./transfer.ts";
import type {
  ArgDefinition,
  ArgInstruction,
  CommandLine,
  Dockerfile,
  FromInstruction,
  Instruction,
  RunInstruction,
  Stage,
  Written,
} from "./types.ts";

const KEYWORDS = (
  "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME " +
  "WORKDIR"
).split(" ");

/** Sees each instruction before and after it is parsed; the checks do. */
export interface Observer {
  written(node: InstructionNode): void;
  parsed(instruction: Instruction | FromInstruction): void;
}

/** Groups instructions into stages. Errors: DockerfileError. */
export function parseInstructions(
  nodes: readonly InstructionNode[],
  escapeToken: Escape,
  observer?: Observer,
): Dockerfile {
  const args: ArgInstruction[] = [];
  const stages: { from: FromInstruction; instructions: Instruction[] }[] = [];
  for (const node of nodes) {
    observer?.written(node);
    const instruction = parseNumbered(node, escapeToken);
    observer?.parsed(instruction);
    const stage = stages.at(-1);
    if (instruction.kind === "from") stages.push({ from: instruction, instructions: [] });
    else if (stage) stage.instructions.push(instruction);
    else if (instruction.kind === "arg") args.push(instruction);
    else throw new DockerfileError("no build stage in current context", [node.lines]);
  }
  if (stages.length === 0) throw new DockerfileError("dockerfile contains no stages to build");
  return { args, stages: stages satisfies Stage[] };
}

function parseNumbered(node: InstructionNode, escapeToken: Escape): Instruction | FromInstruction {
  try {
    return parseInstruction(node);
  } catch (thrown) {
    if (!(thrown instanceof BerthError)) throw thrown;
    const { start } = node.lines;
    const message = explainRemark(thrown.message, node.source, start, escapeToken);
    throw new DockerfileError(`dockerfile parse error on line ${start}: ${message}`, [node.lines], thrown);
  }
}

/** One instruction. Errors: invalid, without a line. */
export function parseInstruction(node: InstructionNode): Instruction | FromInstruction {
  const written: Written = {
    keyword: node.keyword,
    source: trim(node.source),
    lines: node.lines,
    comments: node.comments,
  };
  switch (node.keyword.toLowerCase()) {
    case "add":
      return parseAdd(node, written);
    case "arg":
      return parseArg(node, written);
    case "cmd":
      return { ...written, kind: "cmd", command: flaglessCommand(node) };
    case "copy":
      return parseCopy(node, written);
    case "entrypoint":
      return { ...written, kind: "entrypoint", command: flaglessCommand(node) };
    case "env":
      return { ...written, kind: "env", variables: namedPairs(node, "ENV") };
    case "expose":
      return { ...written, kind: "expose", ports: someArguments(node, "EXPOSE").toSorted(byBytes) };
    case "from":
      return parseFrom(node, written);
    case "healthcheck":
      return { ...written, kind: "healthcheck", health: parseHealthcheck(node) };
    case "label":
      return { ...written, kind: "label", labels: namedPairs(node, "LABEL") };
    case "maintainer":
      return { ...written, kind: "maintainer", maintainer: oneArgument(node, "MAINTAINER") };
    case "onbuild":
      return { ...written, kind: "onbuild", expression: parseOnbuild(node) };
    case "run":
      return parseRun(node, written);
    case "shell":
      return { ...written, kind: "shell", shell: parseShell(node) };
    case "stopsignal":
      return { ...written, kind: "stopsignal", signal: oneArgument({ ...node, flags: [] }, "STOPSIGNAL") };
    case "user":
      return { ...written, kind: "user", user: oneArgument(node, "USER") };
    case "volume":
      return { ...written, kind: "volume", volumes: parseVolumes(node) };
    case "workdir":
      return { ...written, kind: "workdir", path: oneArgument(node, "WORKDIR") };
  }
  throw invalid(didYouMean(`unknown instruction: ${node.keyword}`, node.keyword, KEYWORDS, true));
}

/** Go compares strings by their bytes, which for UTF-8 is by code points. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function oneArgument(node: InstructionNode, keyword: string): string {
  const [argument] = node.args;
  if (argument === undefined || node.args.length !== 1)
    throw invalid(`${keyword} requires exactly one argument`);
  readFlags(node.flags, {});
  return argument;
}

const atLeastOne = (keyword: string) => invalid(`${keyword} requires at least one argument`);

function someArguments(node: InstructionNode, keyword: string): readonly string[] {
  if (node.args.length === 0) throw atLeastOne(keyword);
  readFlags(node.flags, {});
  return node.args;
}

function namedPairs(node: InstructionNode, keyword: string) {
  readFlags(node.flags, {});
  if (node.pairs.length === 0) throw atLeastOne(keyword);
  if (node.pairs.some(({ key }) => key === "")) throw invalid(`${keyword} names can not be blank`);
  return node.pairs;
}

const commandLine = (node: InstructionNode): CommandLine => ({
  args: node.args,
  shell: !node.json,
  heredocs: node.heredocs,
});

function flaglessCommand(node: InstructionNode): CommandLine {
  readFlags(node.flags, {});
  return commandLine(node);
}

const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;

function parseFrom(node: InstructionNode, written: Written): FromInstruction {
  const [base = "", as, label = ""] = node.args;
  const named = node.args.length === 3 && as?.toLowerCase() === "as";
  if (!named && node.args.length !== 1) throw invalid("FROM requires either one or three arguments");
  const name = label.toLowerCase();
  if (named && !STAGE_NAME.test(name))
    throw invalid(
      `invalid name for build stage: ${JSON.stringify(label)}, name can't start with a number or contain symbols`,
    );
  const platform = readFlags(node.flags, { platform: "value" }).value("platform");
  const description = describedBy(node.comments, name);
  return { ...written, kind: "from", base, name, platform, description, words: node.args };
}

/** The rest of the comment that begins with the name. */
function describedBy(comments: readonly string[], name: string): string {
  const found = name && comments.find((comment) => comment.startsWith(`${name} `));
  return found ? found.slice(name.length + 1) : "";
}

function parseArg(node: InstructionNode, written: Written): ArgInstruction {
  if (node.args.length === 0) throw atLeastOne("ARG");
  const definitions = node.args.map((word): ArgDefinition => {
    const at = word.indexOf("=");
    if (at === 0) throw invalid("ARG names can not be blank");
    const name = at < 0 ? word : word.slice(0, at);
    const description = describedBy(node.comments, name);
    return at < 0 ? { name, description } : { name, value: word.slice(at + 1), description };
  });
  return { ...written, kind: "arg", definitions };
}

function parseRun(node: InstructionNode, written: Written): RunInstruction {
  const flags = readFlags(node.flags, { mount: "list", network: "value", security: "value", device: "list" });
  const network = flags.value("network") || "default";
  const security = flags.value("security") || "sandbox";
  const devices = flags.list("device").map(parseDevice);
  const mounts = flags.list("mount").map(readMountFlag);
  if (network !== "default" && network !== "none" && network !== "host")
    throw invalid(`invalid network mode ${JSON.stringify(network)}`);
  if (security !== "sandbox" && security !== "insecure")
    throw invalid(`security ${JSON.stringify(security)} is not valid`);
  return { ...written, kind: "run", command: commandLine(node), mounts, network, security, devices };
}

function parseShell(node: InstructionNode): readonly string[] {
  readFlags(node.flags, {});
  if (node.args.length === 0) throw atLeastOne("SHELL");
  if (!node.json) throw invalid("SHELL requires the arguments to be in JSON form");
  return node.args;
}

function parseVolumes(node: InstructionNode): string[] {
  return someArguments(node, "VOLUME").map((volume) => {
    const path = trim(volume);
    if (path === "") throw invalid("VOLUME specified can not be an empty string");
    return path;
  });
}

function parseOnbuild(node: InstructionNode): string {
  if (!node.trigger) throw atLeastOne("ONBUILD");
  readFlags(node.flags, {});
  const trigger = node.trigger.keyword.toUpperCase();
  if (trigger === "ONBUILD") throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (trigger === "MAINTAINER" || trigger === "FROM")
    throw invalid(`${trigger} isn't allowed as an ONBUILD trigger`);
  const line = node.source.replace(/^\s*ONBUILD\s*/i, "");
  return [line, ...node.heredocs.map(({ content, name }) => `${content}${name}`)].join("\n");
}
