// Writes src/api/schemas.ts from an Engine API description (Swagger 2.0 YAML): what the JSON bodies of the operations
// look like, for decode.ts. Usage: npm run api-schemas -- FILE.
import { readFileSync, writeFileSync } from "node:fs";
import { parse } from "yaml";

interface Node {
  $ref?: string;
  type?: string | string[];
  format?: string;
  items?: Node;
  properties?: Record<string, Node>;
  additionalProperties?: Node | boolean;
  allOf?: Node[];
}
interface Operation {
  operationId: string;
  parameters?: { in: string; schema?: Node }[];
}

/** Operations that take JSON and are served. The name is Go's, for the words of a refusal. */
const OPERATIONS: Record<string, string> = {
  ContainerCreate: "container.CreateRequest",
  ContainerUpdate: "container.UpdateConfig",
  ContainerExec: "container.ExecOptions",
  ExecStart: "container.ExecStartOptions",
  VolumeCreate: "volume.CreateOptions",
  NetworkCreate: "network.CreateRequest",
  NetworkConnect: "network.ConnectOptions",
  NetworkDisconnect: "network.DisconnectOptions",
  SystemAuth: "registry.AuthConfig",
  ImageCommit: "container.CreateRequest",
};
/** Fields that Go reads from one text as well as from a list of them (StrSlice). */
const TEXT_OR_LIST = new Set(["Cmd", "Entrypoint", "Shell", "CapAdd", "CapDrop"]);

const [file] = process.argv.slice(2);
if (!file) throw new Error("usage: api-schemas FILE");
const description = parse(readFileSync(file, "utf8"), { logLevel: "silent" }) as {
  definitions: Record<string, Node>;
  paths: Record<string, Record<string, Operation>>;
};
const shared = new Map<string, string>();

function schemaOf(node: Node, field = ""): string {
  if (node.$ref) {
    const name = node.$ref.replace("#/definitions/", "");
    const target = description.definitions[name];
    if (!target) throw new Error(`no definition ${name}`);
    if (!target.properties && !target.allOf) return schemaOf(target, field);
    if (!shared.has(name)) {
      shared.set(name, ""); // a definition that holds itself finds this
      shared.set(name, schemaOf(target));
    }
    return `{ ref: "${name}" }`;
  }
  if (node.allOf || node.properties) return `{ fields: ${fieldsOf(node)} }`;
  const type = Array.isArray(node.type) ? node.type.find((t) => t !== "null") : node.type;
  if (type === "array")
    return TEXT_OR_LIST.has(field) ? '"texts"' : `{ list: ${schemaOf(node.items ?? {})} }`;
  if (type === "integer") return '"integer"';
  if (type === "number") return '"number"';
  if (type === "boolean") return '"boolean"';
  if (type === "string") return '"string"';
  if (node.additionalProperties && node.additionalProperties !== true)
    return `{ map: ${schemaOf(node.additionalProperties)} }`;
  return '"any"';
}

function fieldsOf(node: Node): string {
  const fields = new Map<string, string>();
  const add = (part: Node) => {
    const whole = part.$ref ? description.definitions[part.$ref.replace("#/definitions/", "")] : part;
    for (const inner of whole?.allOf ?? []) add(inner);
    for (const [name, property] of Object.entries(whole?.properties ?? {}))
      fields.set(name, schemaOf(property, name));
  };
  add(node);
  return `{ ${[...fields].map(([name, schema]) => `${/^\w+$/.test(name) ? name : JSON.stringify(name)}: ${schema}`).join(", ")} }`;
}

const bodies: string[] = [];
for (const operation of Object.values(description.paths).flatMap((path) => Object.values(path))) {
  const name = OPERATIONS[operation.operationId];
  const body = operation.parameters?.find((parameter) => parameter.in === "body")?.schema;
  if (!name || !body) continue;
  bodies.push(`${operation.operationId}: { name: "${name}", fields: ${fieldsOf(body)} },`);
}
const definitions = [...shared].map(([name, schema]) => `${name}: ${schema},`);
writeFileSync(
  "src/api/schemas.ts",
  `// What JSON bodies look like, by operation, as written by \`npm run api-schemas\` from the Engine API 1.51.
import type { Schema } from "./decode.ts";

export const BODIES: Record<string, { name: string; fields: Record<string, Schema> }> = {
${bodies.join("\n")}
};

export const DEFINITIONS: Record<string, Schema> = {
${definitions.join("\n")}
};
`,
);
