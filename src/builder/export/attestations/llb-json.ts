// Operations in the JSON that BuildKit's provenance has them in (solver/pb/json.go): its messages' own names, alternatives below
// their group's name, what is not said left out.
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Names that aren't those of the fields here, by message and field. */
const NAMES: Record<string, Record<string, string>> = {
  Platform: {
    architecture: "Architecture",
    os: "OS",
    variant: "Variant",
    osVersion: "OSVersion",
    osFeatures: "OSFeatures",
  },
  Meta: { proxyEnv: "proxy_env" },
  HostIP: { host: "Host", ip: "IP" },
  Ulimit: { name: "Name", soft: "Soft", hard: "Hard" },
  SecretEnv: { id: "ID" },
  Mount: { tmpfsOpt: "TmpfsOpt", sshOpt: "SSHOpt", resultId: "resultID" },
  CacheOpt: { id: "ID" },
  SecretOpt: { id: "ID" },
  SSHOpt: { id: "ID" },
  ProxyEnv: {
    httpProxy: "http_proxy",
    httpsProxy: "https_proxy",
    ftpProxy: "ftp_proxy",
    noProxy: "no_proxy",
    allProxy: "all_proxy",
  },
  FileActionCopy: { includePatterns: "include_patterns", excludePatterns: "exclude_patterns" },
};

/** The groups' names; other messages' alternatives stand beside their other fields. */
const GROUPS: Record<string, string> = { Op: "Op", FileAction: "Action", UserOpt: "User" };
/** Said also where they are 0. */
const ALWAYS: Record<string, string[]> = { FileAction: ["input", "secondaryInput", "output"] };

export function llbJson(schema: DescMessage, message: Message): { [key: string]: Json } {
  return jsonOf(reflect(schema, message));
}

function jsonOf(message: ReflectMessage): { [key: string]: Json } {
  const { name } = message.desc;
  const result: { [key: string]: Json } = {};
  const group = GROUPS[name];
  for (const field of message.fields) {
    if (field.oneof && group) {
      result[group] ??= {};
      if (message.isSet(field))
        (result[group] as { [key: string]: Json })[nameOf(field)] = fieldJson(message, field);
      continue;
    }
    if (message.isSet(field)) result[nameOf(field)] = fieldJson(message, field);
    else if (ALWAYS[name]?.includes(field.jsonName)) result[nameOf(field)] = 0;
  }
  return result;
}

const nameOf = ({ parent, jsonName }: DescField): string => NAMES[parent.name]?.[jsonName] ?? jsonName;

function fieldJson(message: ReflectMessage, field: DescField): Json {
  switch (field.fieldKind) {
    case "list":
      return [...message.get(field)].map(scalar);
    case "map":
      return Object.fromEntries(
        [...message.get(field)]
          .map(([key, value]): [string, Json] => [String(key), scalar(value)])
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      );
    default:
      return scalar(message.get(field));
  }
}

function scalar(value: unknown): Json {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value === "object" && value !== null && "desc" in value) return jsonOf(value as ReflectMessage);
  return value as Json;
}
