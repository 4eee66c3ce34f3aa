// Platforms in queries: `os/arch/variant` where a pull asks, JSON of the OCI type elsewhere (moby's DecodePlatform).
import { invalid, messageOf } from "../base/errors.ts";
import { parsePlatform } from "../oci/platform.ts";
import type { Platform } from "../oci/types.ts";
import { parseJson } from "./decode.ts";

/** `linux/arm64/v8`; absent or empty: undefined. */
export function platformText(query: URLSearchParams): Platform | undefined {
  const text = query.get("platform");
  return text ? parsePlatform(text) : undefined;
}

/** `{"os":"linux","architecture":"arm64"}`; absent or empty: undefined. Given twice: refused. */
export function platformJson(query: URLSearchParams): Platform | undefined {
  const given = query.getAll("platform");
  if (given.length > 1) throw invalid("multiple platform parameters not supported");
  return given[0] ? decodePlatform(given[0]) : undefined;
}

export function decodePlatform(text: string): Platform {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw invalid(`failed to parse platform: ${messageOf(error).replace(/^invalid JSON: /, "")}`);
  }
  const refuse = () =>
    invalid(`failed to parse platform: json: cannot unmarshal ${text} into Go value of type v1.Platform`);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse();
  const fields = value as Record<string, unknown>;
  const read = (name: string): string => {
    const field = fields[name] ?? "";
    if (typeof field !== "string") throw refuse();
    return field;
  };
  const platform = { os: read("os"), architecture: read("architecture") };
  const variant = read("variant");
  const osVersion = read("os.version");
  if (platform.os === "" && platform.architecture === "" && (variant !== "" || osVersion !== ""))
    throw invalid("optional platform fields provided, but OS and Architecture are missing");
  if (platform.os === "" || platform.architecture === "")
    throw invalid("both OS and Architecture must be provided");
  return { ...platform, ...(variant ? { variant } : {}), ...(osVersion ? { "os.version": osVersion } : {}) };
}
