// Which system calls the container may make: the default profile or a user's, evaluated for this container's
// capabilities and this host's architecture and kernel (runtime-spec, config-linux.md "Seccomp").
import type { HostEnvironment } from "../../base/environment.ts";
import { invalid } from "../../base/errors.ts";
import { exactNumbers } from "./exact-json.ts";
import { compileFilter } from "./seccomp-filter.ts";
import {
  DEFAULT_PROFILE,
  type SeccompCondition,
  type SeccompProfile,
  type SeccompProfileRule,
} from "./seccomp-profile.ts";
import type { Seccomp, SeccompArgument, SeccompRule } from "./spec.ts";

export interface SeccompContext {
  architecture: HostEnvironment["platform"]["architecture"];
  kernel: { major: number; minor: number };
  /** The container's bounding set. */
  capabilities: string[];
}

const NATIVE = { amd64: "SCMP_ARCH_X86_64", arm64: "SCMP_ARCH_AARCH64" } as const;

/** The default profile for a container. */
export function defaultSeccomp(context: SeccompContext): Seccomp {
  const native = NATIVE[context.architecture];
  return {
    defaultAction: DEFAULT_PROFILE.defaultAction,
    defaultErrnoRet: DEFAULT_PROFILE.defaultErrno,
    architectures: [native, ...(DEFAULT_PROFILE.architectures[native] ?? [])],
    syscalls: evaluate(DEFAULT_PROFILE.rules, context),
  };
}

/** Filters that were compiled, by context: few, as most containers have the same capabilities. */
const filters = new Map<string, string>();
const MOST_FILTERS = 64;

/** The default profile for a container as the kernel takes it (struct sock_filter[]), in base64. */
export function defaultFilter(context: SeccompContext): string {
  const { architecture, kernel, capabilities } = context;
  const key = [architecture, kernel.major, kernel.minor, ...capabilities].join(" ");
  const known = filters.get(key);
  if (known) return known;
  if (filters.size >= MOST_FILTERS) filters.clear();
  const rules = evaluate(DEFAULT_PROFILE.rules, context);
  const filter = compileFilter(rules, architecture).toString("base64");
  filters.set(key, filter);
  return filter;
}

/**
 * A profile in Docker's format (`--security-opt seccomp=FILE`, whose content the client sends). undefined where it
 * says nothing at all, which means no filter. Errors: invalid, in Docker's words.
 */
export function customSeccomp(text: string, context: SeccompContext): Seccomp | undefined {
  const { profile, common } = parseSeccompProfile(text);
  if (!profile.defaultAction && profile.rules.length === 0) return undefined;
  const native = NATIVE[context.architecture];
  const sub = profile.architectures[native];
  return {
    ...common,
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrno !== undefined && { defaultErrnoRet: profile.defaultErrno }),
    ...(sub ? { architectures: [native, ...sub] } : {}),
    syscalls: evaluate(profile.rules, context),
  };
}

/** What of a profile goes into config.json as it stands. */
type Common = Pick<Seccomp, "architectures" | "flags" | "listenerPath" | "listenerMetadata">;

const lists = (value: unknown): string[] => {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== "string"))
    throw new TypeError("a list of strings was expected");
  return value as string[];
};
const fields = (value: unknown): Record<string, unknown> => {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError("an object was expected");
  return value as Record<string, unknown>;
};
const entries = (value: unknown): Record<string, unknown>[] => {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new TypeError("a list was expected");
  return value.map(fields);
};
const optionalText = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
const optionalNumber = (value: unknown): number | undefined =>
  typeof value === "number" ? value : undefined;

/** Reads Docker's profile format (moby/profiles). Errors: invalid. */
export function parseSeccompProfile(text: string): { profile: SeccompProfile; common: Common } {
  let body: Record<string, unknown>;
  let rules: SeccompProfileRule[];
  const architectures: Record<string, string[]> = {};
  let listed: string[];
  try {
    body = fields(JSON.parse(text, exactNumbers));
    rules = entries(body.syscalls).map(parseRule);
    for (const entry of entries(body.archMap))
      architectures[optionalText(entry.architecture) ?? ""] = lists(entry.subArchitectures);
    listed = lists(body.architectures);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError)
      throw invalid(`Decoding seccomp profile failed: ${error.message}`, error);
    throw error;
  }
  if (listed.length > 0 && Object.keys(architectures).length > 0)
    throw invalid(
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    );
  const common: Common = {};
  if (listed.length > 0) common.architectures = listed;
  if (lists(body.flags).length > 0) common.flags = lists(body.flags);
  if (optionalText(body.listenerPath)) common.listenerPath = optionalText(body.listenerPath);
  if (optionalText(body.listenerMetadata)) common.listenerMetadata = optionalText(body.listenerMetadata);
  return {
    profile: {
      defaultAction: optionalText(body.defaultAction) ?? "",
      defaultErrno: optionalNumber(body.defaultErrnoRet),
      architectures,
      rules,
    },
    common,
  };
}

function parseRule(rule: Record<string, unknown>): SeccompProfileRule {
  const name = optionalText(rule.name);
  const names = lists(rule.names);
  if (name && names.length > 0)
    throw invalid(
      "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'",
    );
  return {
    names: name ? [name] : names,
    action: optionalText(rule.action) ?? "",
    errno: optionalNumber(rule.errnoRet),
    arguments: entries(rule.args).map(parseArgument),
    when: parseCondition(rule.includes),
    unless: parseCondition(rule.excludes),
  };
}

function parseArgument(argument: Record<string, unknown>): SeccompArgument {
  const exact = (value: unknown) => (typeof value === "bigint" ? value : (optionalNumber(value) ?? 0));
  return {
    index: optionalNumber(argument.index) ?? 0,
    value: exact(argument.value),
    ...(argument.valueTwo ? { valueTwo: exact(argument.valueTwo) } : {}),
    op: optionalText(argument.op) ?? "",
  };
}

function parseCondition(value: unknown): SeccompCondition | undefined {
  if (value === undefined || value === null) return undefined;
  const condition = fields(value);
  const minimumKernel = optionalText(condition.minKernel);
  if (minimumKernel !== undefined && !/^\d+\.\d+$/.test(minimumKernel))
    throw invalid(
      `Decoding seccomp profile failed: invalid kernel version: "${minimumKernel}"; use "major.minor"`,
    );
  return { architectures: lists(condition.arches), capabilities: lists(condition.caps), minimumKernel };
}

const some = (list: string[] | undefined): list is string[] => list !== undefined && list.length > 0;

function kernelAtLeast(version: string, kernel: SeccompContext["kernel"]): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return kernel.major > major || (kernel.major === major && kernel.minor >= minor);
}

function holds({ when, unless }: SeccompProfileRule, context: SeccompContext): boolean {
  const has = (capability: string) => context.capabilities.includes(capability);
  if (unless) {
    if (some(unless.architectures) && unless.architectures.includes(context.architecture)) return false;
    if (some(unless.capabilities) && unless.capabilities.some(has)) return false;
    if (unless.minimumKernel && kernelAtLeast(unless.minimumKernel, context.kernel)) return false;
  }
  if (when) {
    if (some(when.architectures) && !when.architectures.includes(context.architecture)) return false;
    if (some(when.capabilities) && !when.capabilities.every(has)) return false;
    if (when.minimumKernel && !kernelAtLeast(when.minimumKernel, context.kernel)) return false;
  }
  return true;
}

function evaluate(rules: SeccompProfileRule[], context: SeccompContext): SeccompRule[] {
  return rules
    .filter((rule) => holds(rule, context))
    .map((rule) => ({
      names: rule.names,
      action: rule.action,
      ...(rule.errno !== undefined && { errnoRet: rule.errno }),
      ...(rule.arguments && rule.arguments.length > 0 && { args: rule.arguments }),
    }));
}
