// The build checks: BuildKit's rules with their texts (frontend/dockerfile/linter), which editors and CI match on, and
// three of ours.
import { quote } from "../go-text.ts";

export interface Rule<Parts extends readonly unknown[] = readonly never[]> {
  readonly description: string;
  /** "": no page tells more. */
  readonly url: string;
  /** Only with `check=experimental=…`. */
  readonly experimental: boolean;
  /** Berth's own: a warning, but no violation for `check=error=true`, so that what builds with Docker builds here. */
  readonly own: boolean;
  readonly message: (...parts: Parts) => string;
}

interface Traits {
  page?: string;
  experimental?: boolean;
  own?: boolean;
}

function rule<Parts extends readonly unknown[]>(
  description: string,
  traits: Traits,
  message: (...parts: Parts) => string,
): Rule<Parts> {
  const url = traits.page ? `https://docs.docker.com/go/dockerfile/rule/${traits.page}/` : "";
  return { description, url, experimental: traits.experimental ?? false, own: traits.own ?? false, message };
}

const suggested = (prefix: string, suggestion: string | undefined) =>
  suggestion ? ` (did you mean ${prefix}${suggestion}?)` : "";

export const RULES = {
  StageNameCasing: rule(
    "Stage names should be lowercase",
    { page: "stage-name-casing" },
    (name: string) => `Stage name '${name}' should be lowercase`,
  ),
  FromAsCasing: rule(
    "The 'as' keyword should match the case of the 'from' keyword",
    { page: "from-as-casing" },
    (from: string, as: string) => `'${as}' and '${from}' keywords' casing do not match`,
  ),
  NoEmptyContinuation: rule(
    "Empty continuation lines will become errors in a future release",
    { page: "no-empty-continuation" },
    () => "Empty continuation line",
  ),
  ConsistentInstructionCasing: rule(
    "All commands within the Dockerfile should use the same casing (either upper or lower)",
    { page: "consistent-instruction-casing" },
    (keyword: string, casing: "lowercase" | "uppercase") =>
      `Command '${keyword}' should match the case of the command majority (${casing})`,
  ),
  DuplicateStageName: rule(
    "Stage names should be unique",
    { page: "duplicate-stage-name" },
    (name: string) => `Duplicate stage name ${quote(name)}, stage names should be unique`,
  ),
  ReservedStageName: rule(
    "Reserved words should not be used as stage names",
    { page: "reserved-stage-name" },
    (name: string) => `Stage name should not use the same name as reserved stage ${quote(name)}`,
  ),
  JSONArgsRecommended: rule(
    "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
    { page: "json-args-recommended" },
    (keyword: string) =>
      `JSON arguments recommended for ${keyword} to prevent unintended behavior related to OS signals`,
  ),
  MaintainerDeprecated: rule(
    "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
    { page: "maintainer-deprecated" },
    () => "Maintainer instruction is deprecated in favor of using label",
  ),
  UndefinedArgInFrom: rule(
    "FROM command must use declared ARGs",
    { page: "undefined-arg-in-from" },
    (name: string, suggestion: string | undefined) =>
      `FROM argument '${name}' is not declared${suggested("", suggestion)}`,
  ),
  WorkdirRelativePath: rule(
    "Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes",
    { page: "workdir-relative-path" },
    (path: string) => `Relative workdir ${quote(path)} can have unexpected results if the base image changes`,
  ),
  UndefinedVar: rule(
    "Variables should be defined before their use",
    { page: "undefined-var" },
    (name: string, suggestion: string | undefined) =>
      `Usage of undefined variable '$${name}'${suggested("$", suggestion)}`,
  ),
  MultipleInstructionsDisallowed: rule(
    "Multiple instructions of the same type should not be used in the same stage",
    { page: "multiple-instructions-disallowed" },
    (keyword: string) =>
      `Multiple ${keyword} instructions should not be used in the same stage because only the last one will be used`,
  ),
  LegacyKeyValueFormat: rule(
    "Legacy key/value format with whitespace separator should not be used",
    { page: "legacy-key-value-format" },
    (keyword: string) =>
      `"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`,
  ),
  InvalidBaseImagePlatform: rule(
    "Base image platform does not match expected target platform",
    {},
    (image: string, expected: string, actual: string) =>
      `Base image ${image} was pulled with platform ${quote(actual)}, expected ${quote(expected)} for current build`,
  ),
  RedundantTargetPlatform: rule(
    "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
    { page: "redundant-target-platform" },
    (written: string) =>
      `Setting platform to predefined ${written} in FROM is redundant as this is the default behavior`,
  ),
  SecretsUsedInArgOrEnv: rule(
    "Sensitive data should not be used in the ARG or ENV commands",
    { page: "secrets-used-in-arg-or-env" },
    (instruction: "ARG" | "ENV", name: string) =>
      `Do not use ARG or ENV instructions for sensitive data (${instruction} ${quote(name)})`,
  ),
  InvalidDefaultArgInFrom: rule(
    "Default value for global ARG results in an empty or invalid base image name",
    { page: "invalid-default-arg-in-from" },
    (base: string) => `Default value for ARG ${base} results in empty or invalid base image name`,
  ),
  FromPlatformFlagConstDisallowed: rule(
    "FROM --platform flag should not use a constant value",
    { page: "from-platform-flag-const-disallowed" },
    (platform: string) => `FROM --platform flag should not use constant value ${quote(platform)}`,
  ),
  CopyIgnoredFile: rule(
    "Attempting to Copy file that is excluded by .dockerignore",
    { page: "copy-ignored-file", experimental: true },
    (instruction: "Copy" | "Add", path: string) =>
      `Attempting to ${instruction} file ${quote(path)} that is excluded by .dockerignore`,
  ),
  InvalidDefinitionDescription: rule(
    "Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.",
    { page: "invalid-definition-description", experimental: true },
    (instruction: "FROM" | "ARG", name: string) =>
      `Comment for ${instruction} should follow the format: \`# ${name} <description>\``,
  ),
  ExposeProtoCasing: rule(
    "Protocol in EXPOSE instruction should be lowercase",
    { page: "expose-proto-casing" },
    (port: string) => `Defined protocol '${port}' in EXPOSE instruction should be lowercase`,
  ),
  ExposeInvalidFormat: rule(
    "IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release",
    { page: "expose-invalid-format" },
    (port: string) =>
      `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`,
  ),
  RemarkAfterInstruction: rule(
    "A remark after an instruction becomes a part of it, since comments are lines of their own",
    { own: true },
    (remark: string, keyword: string) =>
      `${quote(remark)} is taken as a part of ${keyword}, a remark needs a line of its own`,
  ),
  ScriptWithCRLF: rule(
    "A script with Windows line ends names an interpreter that doesn't exist",
    { own: true },
    (path: string, interpreter: string) =>
      `Script ${quote(path)} has Windows line ends (CRLF): the kernel looks for its interpreter as ${quote(`${interpreter}\r`)}`,
  ),
  SecretValueInArgOrEnv: rule(
    "A value that looks like a credential stays readable in the image, use RUN --mount=type=secret",
    { own: true },
    (instruction: "ARG" | "ENV", name: string, kind: string) =>
      `The value of ${instruction} ${quote(name)} looks like ${kind}`,
  ),
} as const;

export type RuleName = keyof typeof RULES;
/** What a rule's message is made of. */
export type RuleParts<Name extends RuleName> = Parameters<(typeof RULES)[Name]["message"]>;
