// What a side says of a file sync in the call's headers (BuildKit's session/filesync).
import { goBoolean } from "../../base/go-boolean.ts";
export interface SyncRequest {
  /** Which of the client's folders: "context", "dockerfile", a named context's name. */
  name: string;
  includePatterns?: readonly string[];
  excludePatterns?: readonly string[];
  /** Paths whose symbolic links the client follows: they and what they lead to are included. */
  followPaths?: readonly string[];
}

/** For FileSend: files or an archive from the daemon to one of the client's outputs. */
export interface SendRequest {
  /** Which of the client's outputs. */
  exporter: number;
  /** What the client's output is told, as "containerimage.digest". */
  metadata: Readonly<Record<string, string>>;
  /** The daemon puts the files of all platforms into one transfer. */
  multiPlatform: boolean;
}

export type Headers = Record<string, string[]>;
type HeaderList = readonly (readonly [string, string])[];

const KEY = {
  name: "dir-name",
  include: "include-patterns",
  exclude: "exclude-patterns",
  follow: "followpaths",
  exporter: "buildkit-attachable-exporter-id",
  multiPlatform: "buildkit-exporter-multi-platform",
  metadata: "exporter-md-",
} as const;
/** Says that the values of the key before it are escaped. */
const ENCODED = "-encoded";

/** The headers of FileSync's DiffCopy. */
export function encodeSyncRequest(request: SyncRequest): Headers {
  const headers: Headers = {};
  const add = (key: string, values: readonly string[] | undefined) => {
    if (!values) return;
    const escaped = values.some((value) => !/^[\x20-\x7e]*$/.test(value));
    headers[key] = escaped ? values.map(queryEscape) : [...values];
    if (escaped) headers[key + ENCODED] = ["1"];
  };
  add(KEY.include, request.includePatterns);
  add(KEY.exclude, request.excludePatterns);
  add(KEY.follow, request.followPaths);
  add(KEY.name, [request.name]);
  return headers;
}

/** @param headers as they came: a name may come many times */
export function decodeSyncRequest(headers: HeaderList): SyncRequest {
  const values = (key: string): string[] | undefined => {
    const found = allOf(headers, key);
    if (found.length === 0) return undefined;
    return isTrue(allOf(headers, key + ENCODED)[0]) ? found.map(queryUnescape) : found;
  };
  return {
    name: values(KEY.name)?.[0] ?? "",
    includePatterns: values(KEY.include),
    excludePatterns: values(KEY.exclude),
    followPaths: values(KEY.follow),
  };
}

/** The headers of FileSend's DiffCopy. */
export function encodeSendRequest(request: SendRequest): Headers {
  const headers: Headers = { [KEY.exporter]: [String(request.exporter)] };
  for (const [name, value] of Object.entries(request.metadata)) headers[KEY.metadata + name] = [value];
  if (request.multiPlatform) headers[KEY.multiPlatform] = ["1"];
  return headers;
}

export function decodeSendRequest(headers: HeaderList): SendRequest {
  const metadata: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (!name.startsWith(KEY.metadata)) continue;
    const key = name.slice(KEY.metadata.length);
    metadata[key] = Object.hasOwn(metadata, key) ? `${metadata[key]},${value}` : value;
  }
  const exporter = allOf(headers, KEY.exporter)[0] ?? "";
  return {
    exporter: /^[+-]?\d+$/.test(exporter) ? Number(exporter) : 0,
    metadata,
    multiPlatform: allOf(headers, KEY.multiPlatform).includes("1"),
  };
}

const allOf = (headers: HeaderList, key: string): string[] =>
  headers.filter(([name]) => name === key).map(([, value]) => value);

const isTrue = (text: string | undefined): boolean => goBoolean(text ?? "") ?? false;

/** url.QueryEscape. */
const queryEscape = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");

/** url.QueryUnescape; empty for what it refuses, as BuildKit has it. */
function queryUnescape(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return "";
  }
}
