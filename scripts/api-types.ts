// Writes src/api/types/*.ts from an Engine API description (Swagger 2.0 YAML): the wire's vocabulary, one
// file a group of definitions. Usage: npm run api-types -- FILE. The files are then the project's own source;
// run again when the contract moves to a newer version.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { parse } from "yaml";

interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  allOf?: Schema[];
  required?: string[];
  "x-nullable"?: boolean;
}

/** File name by the first pattern that a definition's name matches. */
const GROUPS: [RegExp, string][] = [
  [
    /^(Swarm|Node|Task|Service|Secret|Config$|ConfigSpec|Cluster|Join|Manager|Raft|TLSInfo|Engine|Peer|EndpointPort|EndpointSpec|ObjectVersion|CreateSecret|GenericResources|ResourceObject|Limit$|Reachability|LocalNodeState|Driver$|Topology|NetworkAttachment)/,
    "swarm",
  ],
  [/^Plugin(?!sInfo)/, "plugin"],
  [/^(Network|IPAM|Endpoint|ConfigReference|SubnetStatuses)/, "network"],
  [/^Volume/, "volume"],
  [
    /^(Image|OCI|Build|CreateImageInfo|PushImageInfo|GraphDriver|DriverData|Filesystem|Change|Auth|Distribution|Index|Registry|ProgressDetail|History|ErrorDetail|IDResponse|IdResponse|RootFS)/,
    "image",
  ],
  [
    /^(System|Event|Commit|PluginsInfo|Runtime|Containerd|FirewallInfo|DeviceInfo|Component|Version)/,
    "system",
  ],
];
const groupOf = (name: string) => GROUPS.find(([re]) => re.test(name))?.[1] ?? "container";

const [file] = process.argv.slice(2);
if (!file) throw new Error("usage: api-types FILE");
const definitions = parse(readFileSync(file, "utf8"), { logLevel: "silent" }).definitions as Record<
  string,
  Schema
>;

function typeOf(s: Schema, uses: Set<string>, indent: string): string {
  const nullable = s["x-nullable"] ? " | null" : "";
  if (s.$ref) {
    const name = s.$ref.replace("#/definitions/", "");
    uses.add(name);
    return name + nullable;
  }
  if (s.allOf) return s.allOf.map((p) => typeOf(p, uses, indent)).join(" & ") + nullable;
  if (s.enum && s.type === "string") return s.enum.map((e) => JSON.stringify(e)).join(" | ") + nullable;
  const kind = Array.isArray(s.type) ? s.type.find((t) => t !== "null") : s.type;
  if (kind === "array") {
    const item = typeOf(s.items ?? {}, uses, indent);
    return (/[|&]/.test(item) ? `(${item})[]` : `${item}[]`) + nullable;
  }
  if (kind === "integer" || kind === "number") return `number${nullable}`;
  if (kind === "boolean" || kind === "string") return kind + nullable;
  if (s.properties) return objectOf(s, uses, indent) + nullable;
  if (s.additionalProperties && s.additionalProperties !== true)
    return `Record<string, ${typeOf(s.additionalProperties, uses, indent)}>${nullable}`;
  return `Record<string, unknown>${nullable}`;
}

function objectOf(s: Schema, uses: Set<string>, indent: string): string {
  const inner = `${indent}  `;
  const lines = Object.entries(s.properties ?? {}).map(([name, p]) => {
    const mark = s.required?.includes(name) ? "" : "?";
    return `${doc(p, inner)}${inner}${/^\w+$/.test(name) ? name : JSON.stringify(name)}${mark}: ${typeOf(p, uses, inner)};`;
  });
  return `{\n${lines.join("\n")}\n${indent}}`;
}

function doc(s: Schema, indent: string): string {
  const first = s.description
    ?.trim()
    .split(/\n\s*\n/)[0]
    ?.replace(/\s+/g, " ")
    .replaceAll("*/", "* /")
    .trim();
  if (!first) return "";
  const words = first.split(" ");
  const lines: string[] = [""];
  for (const w of words) {
    const last = lines.length - 1;
    if (`${indent} * ${lines[last]} ${w}`.length > 108) lines.push(w);
    else lines[last] = `${lines[last]} ${w}`.trim();
  }
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((l) => `${indent} * ${l}\n`).join("")}${indent} */\n`;
}

const bodies = new Map<string, { text: string[]; uses: Set<string> }>();
for (const [name, schema] of Object.entries(definitions)) {
  const group = groupOf(name);
  const body = bodies.get(group) ?? { text: [], uses: new Set<string>() };
  bodies.set(group, body);
  const isObject = schema.properties && !schema.allOf && schema.type !== "array" && !schema["x-nullable"];
  body.text.push(
    doc(schema, "") +
      (isObject
        ? `export interface ${name} ${objectOf(schema, body.uses, "")}`
        : `export type ${name} = ${typeOf(schema, body.uses, "")};`),
  );
}

mkdirSync("src/api/types", { recursive: true });
for (const [group, { text, uses }] of bodies) {
  const byGroup = new Map<string, string[]>();
  for (const name of [...uses].sort()) {
    const other = groupOf(name);
    if (other !== group) byGroup.set(other, [...(byGroup.get(other) ?? []), name]);
  }
  const imports = [...byGroup]
    .sort()
    .map(([g, names]) => `import type { ${names.join(", ")} } from "./${g}.ts";`);
  const head = `// The ${group} part of the Engine API's vocabulary (version 1.51), as written by \`npm run api-types\`.\n`;
  writeFileSync(`src/api/types/${group}.ts`, `${head}${imports.join("\n")}\n\n${text.join("\n\n")}\n`);
}
writeFileSync(
  "src/api/types/index.ts",
  `// The Engine API's vocabulary: what travels over the wire, by resource.\n${[...bodies.keys()]
    .sort()
    .map((g) => `export type * from "./${g}.ts";`)
    .join("\n")}\n`,
);
