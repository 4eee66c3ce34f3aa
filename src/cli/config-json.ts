// The text of config.json as settings: what has the form that it should have, and Docker's words for the rest.
import type { ConfigFile } from "./config-file.ts";
import { goKind, parseGoJson } from "./go-json.ts";

const TYPES: Record<string, { whole: string; each?: string }> = {
  auths: { whole: "map[string]types.AuthConfig", each: "types.AuthConfig" },
  HttpHeaders: { whole: "map[string]string", each: "string" },
  credHelpers: { whole: "map[string]string", each: "string" },
  proxies: { whole: "map[string]configfile.ProxyConfig", each: "configfile.ProxyConfig" },
  plugins: { whole: "map[string]map[string]string", each: "map[string]string" },
  aliases: { whole: "map[string]string", each: "string" },
  features: { whole: "map[string]string", each: "string" },
  pruneFilters: { whole: "[]string" },
  cliPluginsExtraDirs: { whole: "[]string" },
};
for (const name of `psFormat imagesFormat networksFormat pluginsFormat volumesFormat statsFormat detachKeys credsStore
  currentContext serviceInspectFormat servicesFormat tasksFormat secretFormat configFormat nodesFormat`.split(
  /\s+/,
))
  TYPES[name] = { whole: "string" };

/** The settings that have the form that they should have, and the first problem with the others. */
export function readSettings(text: string): { config: ConfigFile; problem?: string } {
  let parsed: unknown;
  try {
    parsed = parseGoJson(text, "unexpected EOF").value;
  } catch (thrown) {
    return { config: {}, problem: thrown instanceof Error ? thrown.message : String(thrown) };
  }
  if (!fits(parsed, "map")) {
    return {
      config: {},
      problem: `json: cannot unmarshal ${goKind(parsed)} into Go value of type configfile.ConfigFile`,
    };
  }
  const problems: string[] = [];
  const config: ConfigFile = {};
  for (const [key, value] of Object.entries(parsed as Record<string, unknown>)) {
    const problem = value === null ? undefined : problemOf(key, value);
    if (problem) problems.push(problem);
    else config[key] = value;
  }
  return { config, problem: problems[0] };
}

const fits = (value: unknown, type: string): boolean => {
  if (type === "string") return typeof value === "string";
  if (type.startsWith("[]")) return Array.isArray(value);
  return typeof value === "object" && value !== null && !Array.isArray(value);
};

function problemOf(key: string, value: unknown): string | undefined {
  const type = TYPES[key];
  if (!type) return undefined;
  const mismatch = (field: string, given: unknown, wanted: string) =>
    `json: cannot unmarshal ${goKind(given)} into Go struct field ConfigFile.${field} of type ${wanted}`;
  if (!fits(value, type.whole)) return mismatch(key, value, type.whole);
  if (!type.each) return undefined;
  for (const [name, one] of Object.entries(value as Record<string, unknown>)) {
    if (!fits(one, type.each)) return mismatch(`${key}.${name}`, one, type.each);
    if (key === "proxies" || key === "plugins") {
      const wrong = Object.entries(one as object).find(([, text]) => text !== null && !fits(text, "string"));
      if (wrong) return mismatch(`${key}.${name}.${wrong[0]}`, wrong[1], "string");
    }
    if (key !== "auths") continue;
    const problem = authProblem((one as { auth?: unknown }).auth);
    if (problem) return problem;
  }
  return undefined;
}

function authProblem(auth: unknown): string | undefined {
  if (typeof auth !== "string" || auth === "") return undefined;
  const bad = auth.search(/[^A-Za-z0-9+/=]/);
  if (bad >= 0) return `illegal base64 data at input byte ${bad}`;
  return Buffer.from(auth, "base64").toString().includes(":") ? undefined : "Invalid auth configuration file";
}
