// What instructions mean: one interface each. Values are still unexpanded (`$name` in them), see expand.ts.
import type { HealthcheckConfig } from "../../../oci/types.ts";
import type { Lines } from "../source.ts";
import type { HereDocument, KeyValue } from "../syntax/index.ts";

export interface Written {
  /** The keyword as it is written, `RUN` or `run`. */
  readonly keyword: string;
  /** The logical line, trimmed. */
  readonly source: string;
  readonly lines: Lines;
  readonly comments: readonly string[];
}

/** A command: an argument vector, or one line for the stage's shell. */
export interface CommandLine {
  /** Shell form: at most one. */
  readonly args: readonly string[];
  /** Shell form: the stage's SHELL goes before. */
  readonly shell: boolean;
  readonly heredocs: readonly HereDocument[];
}

/** Where COPY and ADD take from and put to. */
export interface Sources {
  readonly paths: readonly string[];
  readonly documents: readonly SourceDocument[];
  readonly destination: string;
}

/** A file whose content stands in the Dockerfile. */
export interface SourceDocument {
  readonly name: string;
  readonly content: string;
  readonly expand: boolean;
}

/** `--mount=…` as it is written; `from` alone is known before variables are. */
export interface MountFlag {
  readonly text: string;
  readonly from: string;
}

export type MountType = "bind" | "cache" | "tmpfs" | "secret" | "ssh";
export type CacheSharing = "shared" | "private" | "locked";

/** `--mount=…` with its variables expanded. */
export interface Mount {
  readonly type: MountType;
  readonly from: string;
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** Bytes; 0 is no limit. tmpfs only. */
  readonly size: number;
  readonly id: string;
  readonly sharing?: CacheSharing;
  readonly required: boolean;
  /** secret: the variable that holds it; "" is one of the secret's name. */
  readonly env?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** `--device=…`, a CDI device. */
export interface Device {
  readonly name: string;
  readonly required: boolean;
}

export interface RunInstruction extends Written {
  readonly kind: "run";
  readonly command: CommandLine;
  readonly mounts: readonly MountFlag[];
  readonly network: "default" | "none" | "host";
  readonly security: "sandbox" | "insecure";
  readonly devices: readonly Device[];
}

export interface CmdInstruction extends Written {
  readonly kind: "cmd";
  readonly command: CommandLine;
}

export interface EntrypointInstruction extends Written {
  readonly kind: "entrypoint";
  readonly command: CommandLine;
}

export interface LabelInstruction extends Written {
  readonly kind: "label";
  readonly labels: readonly KeyValue[];
}

export interface EnvInstruction extends Written {
  readonly kind: "env";
  readonly variables: readonly KeyValue[];
}

/** One `name` or `name=default`. */
export interface ArgDefinition {
  readonly name: string;
  readonly value?: string;
  /** What the comment above says: `# NAME text`. */
  readonly description: string;
}

export interface ArgInstruction extends Written {
  readonly kind: "arg";
  readonly definitions: readonly ArgDefinition[];
}

export interface ExposeInstruction extends Written {
  readonly kind: "expose";
  /** In the order of their characters, as BuildKit sorts them. */
  readonly ports: readonly string[];
}

interface Transfer extends Written {
  readonly sources: Sources;
  readonly chown: string;
  readonly chmod: string;
  readonly link: boolean;
  readonly exclude: readonly string[];
}

export interface AddInstruction extends Transfer {
  readonly kind: "add";
  readonly checksum: string;
  /** undefined: not said. */
  readonly keepGitDir?: boolean;
  /** undefined: local archives yes, remote ones no. */
  readonly unpack?: boolean;
}

export interface CopyInstruction extends Transfer {
  readonly kind: "copy";
  /** A stage's name or number, an image, a named context; "" is the build context. */
  readonly from: string;
  readonly parents: boolean;
}

export interface VolumeInstruction extends Written {
  readonly kind: "volume";
  readonly volumes: readonly string[];
}

export interface UserInstruction extends Written {
  readonly kind: "user";
  readonly user: string;
}

export interface WorkdirInstruction extends Written {
  readonly kind: "workdir";
  readonly path: string;
}

export interface OnbuildInstruction extends Written {
  readonly kind: "onbuild";
  /** What goes into the image's OnBuild: a Dockerfile of one instruction. */
  readonly expression: string;
}

export interface StopsignalInstruction extends Written {
  readonly kind: "stopsignal";
  readonly signal: string;
}

export interface HealthcheckInstruction extends Written {
  readonly kind: "healthcheck";
  /** Times in nanoseconds; what wasn't said is not there. */
  readonly health: HealthcheckConfig & { Test: string[] };
}

export interface ShellInstruction extends Written {
  readonly kind: "shell";
  readonly shell: readonly string[];
}

export interface MaintainerInstruction extends Written {
  readonly kind: "maintainer";
  readonly maintainer: string;
}

/** FROM: it begins a stage. */
export interface FromInstruction extends Written {
  readonly kind: "from";
  /** An image, a stage's name, `scratch`. */
  readonly base: string;
  /** In lower case; "" when it has none. */
  readonly name: string;
  readonly platform: string;
  /** What the comment above says: `# name text`. */
  readonly description: string;
  /** The words behind FROM, for the rules about their case. */
  readonly words: readonly string[];
}

/** What stands in a stage. */
export type Instruction =
  | RunInstruction
  | CmdInstruction
  | EntrypointInstruction
  | LabelInstruction
  | EnvInstruction
  | ArgInstruction
  | ExposeInstruction
  | AddInstruction
  | CopyInstruction
  | VolumeInstruction
  | UserInstruction
  | WorkdirInstruction
  | OnbuildInstruction
  | StopsignalInstruction
  | HealthcheckInstruction
  | ShellInstruction
  | MaintainerInstruction;

export interface Stage {
  readonly from: FromInstruction;
  readonly instructions: readonly Instruction[];
}

/** A whole Dockerfile: the ARGs before the first FROM, and the stages. */
export interface Dockerfile {
  readonly args: readonly ArgInstruction[];
  readonly stages: readonly Stage[];
}
