// The flags of `build`, with the texts and kinds of docker/buildx 0.29.
import { parseUlimit } from "../container-options/resources.ts";
import { parseRam } from "../format/units.ts";
import { type Flag, flag, parseBool } from "../framework/flags.ts";
import { builderFlags } from "./builder-flags.ts";

const texts = flag.listOf("stringArray", (text) => text);
const hidden = { hidden: true } as const;
const bytes = flag.of("bytes", 0, parseRam);

/** `nofile=1024:2048` as BuildKit's frontend reads it, checked here. */
const ulimits = flag.listOf("ulimit", (text) => {
  const { Name, Soft, Hard } = parseUlimit(text);
  return `${Name}=${Soft}:${Hard}`;
});

const TRUTH = /^(?:[01tTfF]|[tT]rue|TRUE|[fF]alse|FALSE)$/;

/** `--check` is stored as `--call`: the later of both decides. A switch comes as a truth, which no question is called. */
const check = (usage: string): Flag<unknown> => ({
  type: "",
  usage,
  aliasOf: "call",
  initial: undefined,
  set: (text) => text,
});
const call: Flag<string> = {
  type: "string",
  usage: 'Set method for evaluating build ("check", "outline", "targets") (default "build")',
  initial: "build",
  set: (text, before) => (TRUTH.test(text) ? (parseBool(text) ? "check" : before) : text),
};

/** What `build` and `bake` share. */
export const commonBuildFlags = {
  ...builderFlags,
  call,
  check: check('Shorthand for "--call=check"'),
  "metadata-file": flag.string("Write build result metadata to a file"),
  "no-cache": flag.bool("Do not use cache when building the image"),
  progress: flag.string(
    'Set type of progress output ("auto", "none",  "plain", "quiet", "rawjson", "tty"). Use plain to show container output (default "auto")',
    { default: "auto" },
  ),
  provenance: flag.string('Shorthand for "--attest=type=provenance"'),
  pull: flag.bool("Always attempt to pull all referenced images"),
  sbom: flag.string('Shorthand for "--attest=type=sbom"'),
};

/** Of the builder before BuildKit: taken without effect. */
const legacy = {
  compress: flag.bool("", hidden),
  "cpu-period": flag.int("", hidden),
  "cpu-quota": flag.int("", hidden),
  "cpu-shares": flag.int("", { short: "c", ...hidden }),
  "cpuset-cpus": flag.string("", hidden),
  "cpuset-mems": flag.string("", hidden),
  "force-rm": flag.bool("", hidden),
  isolation: flag.string("", hidden),
  memory: flag.string("", { short: "m", ...hidden }),
  "memory-swap": flag.string("", hidden),
  rm: flag.bool("", { default: true, ...hidden }),
  "security-opt": flag.strings("", hidden),
  squash: flag.bool("", hidden),
};

/** What is said when one of them is used. */
export const LEGACY_WARNINGS: Record<string, string> = {
  isolation: "isolation flag is deprecated with BuildKit.",
  "security-opt": 'security-opt flag is deprecated. "RUN --security=insecure" should be used with BuildKit.',
  squash:
    "experimental flag squash is removed with BuildKit. You should squash inside build using a multi-stage Dockerfile for efficiency.",
};

export const buildFlags = {
  ...commonBuildFlags,
  ...legacy,
  print: { ...flag.alias("call", "string"), set: (text: string) => text },
  "add-host": flag.strings('Add a custom host-to-IP mapping (format: "host:ip")'),
  allow: texts('Allow extra privileged entitlement (e.g., "network.host", "security.insecure", "device")'),
  annotation: texts("Add annotation to the image"),
  attest: texts('Attestation parameters (format: "type=sbom,generator=image")'),
  "build-arg": texts("Set build-time variables"),
  "build-context": texts("Additional build contexts (e.g., name=path)"),
  "cache-from": texts('External cache sources (e.g., "user/app:cache", "type=local,src=path/to/dir")'),
  "cache-to": texts('Cache export destinations (e.g., "user/app:cache", "type=local,dest=path/to/dir")'),
  "cgroup-parent": flag.string('Set the parent cgroup for the "RUN" instructions during build'),
  file: flag.string('Name of the Dockerfile (default: "PATH/Dockerfile")', { short: "f" }),
  iidfile: flag.string("Write the image ID to a file"),
  label: texts("Set metadata for an image"),
  load: flag.bool('Shorthand for "--output=type=docker"'),
  network: flag.string(
    'Set the networking mode for the "RUN" instructions during build (default "default")',
    { default: "default" },
  ),
  "no-cache-filter": texts("Do not cache specified stages"),
  output: texts('Output destination (format: "type=local,dest=path")', { short: "o" }),
  platform: texts("Set target platform for build"),
  push: flag.bool('Shorthand for "--output=type=registry"'),
  quiet: flag.bool("Suppress the build output and print image ID on success", { short: "q" }),
  secret: texts('Secret to expose to the build (format: "id=mysecret[,src=/local/secret]")'),
  "shm-size": bytes("Shared memory size for build containers"),
  ssh: texts(
    'SSH agent socket or keys to expose to the build (format: "default|<id>[=<socket>|<key>[,<key>]]")',
  ),
  tag: texts('Name and optionally a tag (format: "name:tag")', { short: "t" }),
  target: flag.string("Set the target build stage to build"),
  ulimit: ulimits("Ulimit options (default [])"),
};
