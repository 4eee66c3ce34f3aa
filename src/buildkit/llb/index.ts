// Graphs of builds (LLB), written in TypeScript: trees, the steps that make them, and their encoding.
//
//   const base = run(image("debian:12-slim"), { args: ["apt-get", "install", "-y", "git"] }).root;
//   const result = file(base, copy(local("context"), "/", "/src/"));
//   marshal(result); // what a builder solves
export { deferred, diff, merge } from "./combine.ts";
export { excerpt } from "./excerpt.ts";
export {
  type CopyOptions,
  copy,
  type FileChange,
  file,
  type MkdirOptions,
  type MkfileOptions,
  mkdir,
  mkfile,
  type Owner,
  type RemoveOptions,
  remove,
  symlink,
} from "./file.ts";
export { fromDefinition } from "./from-definition.ts";
export { digestOfTree, type MarshalOptions, marshal, sourceInfo } from "./marshal.ts";
export {
  type BindMount,
  type CacheMount,
  type ProxyEnvironment,
  type RunMount,
  type RunOptions,
  type RunResult,
  run,
  type SecretMount,
  type SshMount,
  type TmpfsMount,
} from "./run.ts";
export {
  type GitOptions,
  git,
  type HttpOptions,
  http,
  type ImageOptions,
  image,
  type LocalOptions,
  local,
  type OciLayoutOptions,
  ociLayout,
  type ResolveMode,
  scratch,
  source,
} from "./sources.ts";
export type { SourceFile, SourceLocation, SourceRange, Step, StepOptions, Tree } from "./types.ts";
