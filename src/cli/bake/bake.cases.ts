// What is asked of the bake files in cases/, with buildx's answers in bake.recorded.json (scripts/record-bake.ts).

export interface BakeCase {
  name: string;
  /** In cases/. */
  files: string[];
  args?: string[];
  env?: Record<string, string>;
}

export const CASES: BakeCase[] = [
  { name: "every field, inheritance, functions, groups", files: ["everything.hcl"], args: ["all"] },
  {
    name: "what --set and the environment change",
    files: ["everything.hcl"],
    args: [
      "db",
      "app",
      "--set=*.args.Z=1",
      "--set=db.tags=a",
      "--set=db.tags+=b",
      "--set=db.output=type=tar,dest=x.tar",
      "--set=db.platform=linux/arm64",
      "--set=app.cache-from+=user/more",
      "--set=app.labels.l=x",
      "--set=app.entitlements=network.host",
    ],
    env: { TAG: "v1", LIST: "q,r", DEBUG: "1" },
  },
  {
    name: "shorthands",
    files: ["plain.json"],
    args: ["--push", "--no-cache=false", "--pull", "--sbom=true", "--provenance=mode=max"],
  },
  { name: "functions", files: ["functions.hcl"] },
  { name: "JSON", files: ["plain.json"] },
  { name: "JSON with the environment", files: ["plain.json"], env: { V: "other" } },
  { name: "Compose", files: ["services.yml"], env: { BVAR: "given" } },
  { name: "Compose and HCL together", files: ["services.yml", "override.hcl"] },
  { name: "matrix", files: ["matrix.hcl"] },
  {
    name: "matrix with a list from the environment",
    files: ["matrix.hcl"],
    args: ["app"],
    env: { VERSIONS: "22" },
  },
  {
    name: "an object from the environment",
    files: ["matrix.hcl"],
    args: ["tools"],
    env: { OPTIONS_JSON: '{"name":"x","debug":true}' },
  },
  { name: "targets by pattern", files: ["matrix.hcl"], args: ["app-*-debian"] },
  { name: "list of targets", files: ["everything.hcl"], args: ["--list=targets"] },
  { name: "list of targets as JSON", files: ["everything.hcl"], args: ["--list=type=targets,format=json"] },
  { name: "list of variables", files: ["everything.hcl"], args: ["--list=variables"] },
  { name: "list of variables as JSON", files: ["matrix.hcl"], args: ["--list=type=variables,format=json"] },
  { name: "validation", files: ["wrong-validation.hcl"], args: ["x"] },
  { name: "a list that isn't closed", files: ["wrong-unclosed-list.hcl"], args: ["x"] },
  { name: "an unknown parent", files: ["wrong-unknown-parent.hcl"], args: ["x"] },
  { name: "a link to itself", files: ["wrong-link-to-itself.hcl"], args: ["x"] },
  { name: "an unknown target", files: ["plain.json"], args: ["nope"] },
  { name: "an override of no field", files: ["plain.json"], args: ["--set=nope"] },
  { name: "an override of no target", files: ["plain.json"], args: ["--set=zz*.tags=a"] },
  { name: "an unknown key", files: ["plain.json"], args: ["--set=j.nope=a"] },
  { name: "an unknown right", files: ["plain.json"], args: ["--allow=foo"] },
];

/** All but lists are printed. */
export const argumentsOf = ({ files, args = [] }: BakeCase): string[] => [
  ...files.flatMap((file) => ["-f", file]),
  ...args,
  ...(args.some((one) => one.startsWith("--list")) ? [] : ["--print"]),
];

export interface Answer {
  code: number;
  stdout: string;
  /** The last line, of a failure. */
  error: string;
}
