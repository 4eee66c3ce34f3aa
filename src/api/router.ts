// From method and path to a route. Compiled once: whole paths in a map, the others by their first segment, tried in the
// table's order as text before and after the one parameter. No regular expression runs for a request.
import type { Handler } from "./request.ts";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "OPTIONS";

/** What the body of a request is: nothing, JSON, or bytes that the handler reads itself. */
export type BodyKind = "none" | "json" | "stream";

export interface Route {
  method: Method;
  /** As the Engine API's description has it, with at most one parameter: `/images/{name}/json`. It may hold slashes. */
  path: string;
  /** The description's operationId. */
  operation: string;
  body: BodyKind;
  /** Absent: registered, but not built; answers 501. */
  handler?: Handler;
}

export interface Match {
  route: Route;
  /** The parameter's value, decoded; "" where the path has none. */
  name: string;
  /** What stood between `/v` and the next slash; undefined on an unversioned path. */
  version: string | undefined;
}

interface Pattern {
  before: string;
  after: string;
  route: Route;
}

/** A path as Go's http server and mux see it: without its query, percent-decoded. undefined: not decodable. */
export function decodePath(target: string): string | undefined {
  const end = target.indexOf("?");
  let path = end < 0 ? target : target.slice(0, end);
  if (!path.startsWith("/")) {
    // The absolute form (`GET http://host/path`), which proxies send.
    const scheme = path.indexOf("://");
    const slash = scheme < 0 ? -1 : path.indexOf("/", scheme + 3);
    path = slash < 0 ? "/" : path.slice(slash);
  }
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** The path without empty, `.` and `..` segments (a slash at its end stays): mux sends the client there with a 301. */
export function cleanPath(path: string): string {
  if (!/\/\/|\/\.\.?(?:\/|$)/.test(path)) return path;
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment === "..") kept.pop();
    else kept.push(segment);
  }
  const clean = `/${kept.join("/")}`;
  return path.endsWith("/") && clean !== "/" ? `${clean}/` : clean;
}

/** Takes `/v1.51` off the front. */
export function splitVersion(path: string): { version: string | undefined; path: string } {
  if (!path.startsWith("/v")) return { version: undefined, path };
  const slash = path.indexOf("/", 2);
  if (slash < 3) return { version: undefined, path };
  for (let at = 2; at < slash; at++) {
    const code = path.charCodeAt(at);
    if (code !== 46 && (code < 48 || code > 57)) return { version: undefined, path };
  }
  return { version: path.slice(2, slash), path: path.slice(slash) };
}

export class Router {
  private readonly whole = new Map<string, Route>();
  private readonly patterns = new Map<string, Pattern[]>();
  /** Answers OPTIONS for any path. */
  private options: Route | undefined;

  constructor(readonly routes: readonly Route[]) {
    for (const route of routes) {
      const open = route.path.indexOf("{");
      if (route.method === "OPTIONS") this.options = route;
      else if (open < 0) {
        this.whole.set(`${route.method} ${route.path}`, route);
      } else {
        const key = `${route.method} ${firstSegment(route.path)}`;
        const list = this.patterns.get(key) ?? [];
        list.push({
          before: route.path.slice(0, open),
          after: route.path.slice(route.path.indexOf("}") + 1),
          route,
        });
        this.patterns.set(key, list);
      }
    }
  }

  /** Finds the route of a clean, decoded path. */
  match(method: string, fullPath: string): Match | undefined {
    const { version, path } = splitVersion(fullPath);
    if (method === "OPTIONS") return this.options && { route: this.options, name: "", version };
    const exact = this.whole.get(`${method} ${path}`);
    if (exact) return { route: exact, name: "", version };
    const patterns = this.patterns.get(`${method} ${firstSegment(path)}`);
    if (!patterns) return undefined;
    for (const { before, after, route } of patterns) {
      const end = path.length - after.length;
      if (end >= before.length && path.startsWith(before) && path.endsWith(after))
        return { route, name: path.slice(before.length, end), version };
    }
    return undefined;
  }
}

function firstSegment(path: string): string {
  const end = path.indexOf("/", 1);
  return end < 0 ? path : path.slice(0, end);
}
