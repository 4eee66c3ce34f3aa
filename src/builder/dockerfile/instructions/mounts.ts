// `RUN --mount=…` and `RUN --device=…`: keys, values and which of them go together.

import { type BerthError, invalid, messageOf } from "../../../base/errors.ts";
import { goBoolean } from "../../../base/go-boolean.ts";
import { quote } from "../go-text.ts";
import { didYouMean } from "../suggest.ts";
import { csvFields } from "./csv.ts";
import { cut } from "./flags.ts";
import type { CacheSharing, Device, Mount, MountFlag, MountType } from "./types.ts";

const TYPES: readonly MountType[] = ["bind", "cache", "tmpfs", "secret", "ssh"];
const SHARING: readonly CacheSharing[] = ["shared", "private", "locked"];
const KEYS =
  "type from source target readonly id sharing required size mode uid gid src dst destination ro rw readwrite env".split(
    " ",
  );

/** What is known before variables are: where the mount comes from, which no variable may say. Errors: invalid. */
export function readMountFlag(text: string): MountFlag {
  let from = "";
  for (const field of fieldsOf(text, "mounts")) {
    const [key, value] = cut(field);
    if (key.toLowerCase() !== "from" || value === undefined) continue;
    const dollar = value.indexOf("$");
    if (dollar >= 0 && dollar !== value.length - 1)
      throw invalid(`'${key.toLowerCase()}' doesn't support variable expansion, define alias stage instead`);
    from = value;
  }
  return { text, from };
}

/** The mount, its values expanded by `expand`. Errors: invalid, in BuildKit's words. */
export function resolveMount(text: string, expand: (value: string) => string): Mount {
  const draft: Draft = { type: "bind", from: "", source: "", target: "", size: 0, id: "", required: false };
  for (const field of fieldsOf(text, "mounts")) {
    const [name, value] = cut(field);
    const key = name.toLowerCase();
    if (value === undefined) setBare(draft, key, field);
    else setValue(draft, key, expand(value), field);
  }
  refuseMisfits(draft);
  const writable = draft.type === "cache" || draft.type === "tmpfs";
  return { ...draft, readOnly: draft.readOnly ?? !writable };
}

type Draft = { -readonly [Key in keyof Omit<Mount, "readOnly">]: Mount[Key] } & { readOnly?: boolean };

function fieldsOf(text: string, what: string): string[] {
  try {
    return csvFields(text);
  } catch (thrown) {
    throw invalid(`failed to parse csv ${what}: ${messageOf(thrown)}`, thrown);
  }
}

function setBare(draft: Draft, key: string, field: string): void {
  if (key === "readonly" || key === "ro") draft.readOnly = true;
  else if (key === "readwrite" || key === "rw") draft.readOnly = false;
  else if (key === "required") draft.required = allowRequired(draft, key, true);
  else throw invalid(`invalid field '${field}' must be a key=value pair`);
}

function setValue(draft: Draft, key: string, value: string, field: string): void {
  switch (key) {
    case "type":
      draft.type = oneOf(TYPES, value, "unsupported mount type");
      return;
    case "from":
    case "source":
    case "target":
    case "id":
    case "env":
      draft[key] = value;
      return;
    case "src":
      draft.source = value;
      return;
    case "dst":
    case "destination":
      draft.target = value;
      return;
    case "readonly":
    case "ro":
      draft.readOnly = boolean(key, value);
      return;
    case "readwrite":
    case "rw":
      draft.readOnly = !boolean(key, value);
      return;
    case "required":
      draft.required = allowRequired(draft, key, () => boolean(key, value));
      return;
    case "size":
      if (draft.type !== "tmpfs") throw unexpectedFor(key, draft.type);
      draft.size = bytes(value) ?? refuseValue(key, value);
      return;
    case "sharing":
      draft.sharing = oneOf(SHARING, value, "unsupported sharing value");
      return;
    case "mode":
    case "uid":
    case "gid":
      draft[key] = unsigned(key, value);
      return;
    default:
      throw invalid(didYouMean(`unexpected key '${key}' in '${field}'`, key, KEYS));
  }
}

function allowRequired(draft: Draft, key: string, value: boolean | (() => boolean)): boolean {
  if (draft.type !== "secret" && draft.type !== "ssh") throw unexpectedFor(key, draft.type);
  return typeof value === "function" ? value() : value;
}

const unexpectedFor = (key: string, type: MountType): BerthError =>
  invalid(`unexpected key '${key}' for mount type '${type}'`);

function refuseValue(key: string, value: string): never {
  throw invalid(`invalid value for ${key}: ${value}`);
}

const boolean = (key: string, value: string): boolean => goBoolean(value) ?? refuseValue(key, value);

function oneOf<T extends string>(known: readonly T[], value: string, problem: string): T {
  const found = known.find((item) => item === value.toLowerCase());
  if (found === undefined) throw invalid(didYouMean(`${problem} ${quote(value)}`, value, known));
  return found;
}

/** 32 bits; the mode octal. */
function unsigned(key: "mode" | "uid" | "gid", value: string): number {
  const octal = key === "mode";
  const number = (octal ? /^[0-7]+$/ : /^\d+$/).test(value) ? Number.parseInt(value, octal ? 8 : 10) : -1;
  if (number < 0 || number > 0xffffffff) throw invalid(`invalid value ${value} for ${key}`);
  return number;
}

/** docker/go-units RAMInBytes. */
function bytes(text: string): number | undefined {
  const match = /^(\d+\.?\d*|\.\d+) ?([kmgtp]?)(i?b)?$/i.exec(text);
  if (!match || (match[3]?.toLowerCase() === "ib" && !match[2])) return undefined;
  const power = match[2] ? "kmgtp".indexOf(match[2].toLowerCase()) + 1 : 0;
  return Math.trunc(Number(match[1]) * 1024 ** power);
}

function refuseMisfits(mount: Draft): void {
  const { type } = mount;
  if (type === "bind" || type === "tmpfs")
    for (const key of ["mode", "uid", "gid"] as const)
      if (mount[key] !== undefined) throw invalid(`${key} not allowed for "${type}" type mounts`);
  if (type === "secret") {
    if (mount.from) throw invalid("secret mount should not have a from");
    if (mount.sharing) throw invalid("secret mount should not define sharing");
    if (!mount.source && !mount.target && !mount.id)
      throw invalid("invalid secret mount. one of source, target required");
    if (mount.source && mount.id) throw invalid("both source and id can't be set");
  }
  if (mount.sharing && type !== "cache") throw invalid(`invalid cache sharing set for ${type} mount`);
}

/** `name`, `name=…`, `required`. Errors: invalid. */
export function parseDevice(text: string): Device {
  let [name, required] = ["", false];
  for (const field of fieldsOf(text, "devices")) {
    const [written, value] = cut(field);
    const key = written.toLowerCase();
    if (key === "required") required = value === undefined || boolean(key, value);
    else if (key === "name" && value !== undefined) {
      if (name) throw invalid(`device name already set to ${name}`);
      name = value;
    } else if (name === "") name = field;
    else if (value === undefined) throw invalid(`invalid field '${field}' must be a key=value pair`);
    else throw invalid(didYouMean(`unexpected key '${key}' in '${field}'`, key, ["name", "required"]));
  }
  return { name, required };
}
