// Paths to routes, as gorilla/mux finds them for moby.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { cleanPath, decodePath, splitVersion } from "./router.ts";
import { createRouter, ROUTES } from "./routes.ts";

const router = createRouter();

describe("match", () => {
  test.each([
    ["GET", "/_ping", "SystemPing", "", undefined],
    ["HEAD", "/v1.24/_ping", "SystemPingHead", "", "1.24"],
    ["GET", "/v1.51/containers/json", "ContainerList", "", "1.51"],
    ["GET", "/containers/abc/json", "ContainerInspect", "abc", undefined],
    ["GET", "/containers/json/json", "ContainerInspect", "json", undefined],
    ["GET", "/images/localhost:5000/a/b:c/json", "ImageInspect", "localhost:5000/a/b:c", undefined],
    ["GET", "/v1.44/images/get", "ImageGetAll", "", "1.44"],
    ["GET", "/images/get/get", "ImageGet", "get", undefined],
    ["DELETE", "/images/a/b", "ImageDelete", "a/b", undefined],
    ["DELETE", "/images/", "ImageDelete", "", undefined],
    ["GET", "/containers/a/attach/ws", "ContainerAttachWebsocket", "a", undefined],
    ["POST", "/containers/prune", "ContainerPrune", "", undefined],
    ["GET", "/networks/", "NetworkList", "", undefined],
    ["GET", "/distribution/a/b/json", "DistributionInspect", "a/b", undefined],
    ["GET", "/plugins/privileges", "GetPluginPrivileges", "", undefined],
    ["POST", "/session", "Session", "", undefined],
    ["POST", "/v1.39/grpc", "Grpc", "", "1.39"],
  ])("%s %s", (method, path, operation, name, version) => {
    const match = router.match(method, path);
    expect([match?.route.operation, match?.name, match?.version]).toEqual([operation, name, version]);
  });

  test.each([
    ["GET", "/"],
    ["GET", "/v1.51"],
    ["GET", "/v1.51/"],
    ["GET", "/vx/_ping"],
    ["GET", "/v/_ping"],
    ["POST", "/version"],
    ["HEAD", "/version"],
    ["PATCH", "/containers/json"],
    ["GET", "/containers"],
    ["GET", "/containers/abc"],
    ["POST", "/containers/start"],
  ])("%s %s is nobody's", (method, path) => {
    expect(router.match(method, path)).toBeUndefined();
  });

  test("every route finds itself", () => {
    for (const route of ROUTES) {
      const match = router.match(route.method, route.path.replace(/\{[^}]*\}/, "a/b"));
      expect(match?.route.operation).toBe(route.operation);
    }
  });

  test("any text gives a route or none, never an error", () => {
    fc.assert(
      fc.property(fc.constantFrom("GET", "POST", "DELETE", "x"), fc.string(), (method, path) => {
        const decoded = decodePath(path);
        if (decoded === undefined) return;
        const clean = cleanPath(decoded);
        expect(cleanPath(clean)).toBe(clean);
        router.match(method, clean);
      }),
    );
  });
});

describe("paths", () => {
  test.each([
    ["/a?b=/c", "/a"],
    ["/images/a%2Fb/json", "/images/a/b/json"],
    ["http://host/v1.51/info?x", "/v1.51/info"],
    ["http://host", "/"],
    ["*", "/"],
    ["/a%zz", undefined],
    ["/a%ff", undefined],
  ])("%s decodes to %p", (target, path) => {
    expect(decodePath(target)).toBe(path);
  });

  test.each([
    ["/containers//json", "/containers/json"],
    ["//_ping", "/_ping"],
    ["/a/../b/./c", "/b/c"],
    ["/../../x", "/x"],
    ["/a//", "/a/"],
    ["/..", "/"],
    ["/networks/", "/networks/"],
    ["/images/a..b/json", "/images/a..b/json"],
  ])("%s is cleaned to %s", (path, clean) => {
    expect(cleanPath(path)).toBe(clean);
  });

  test("a version is digits and dots", () => {
    expect(splitVersion("/v1.51/info")).toEqual({ version: "1.51", path: "/info" });
    expect(splitVersion("/volumes")).toEqual({ version: undefined, path: "/volumes" });
    expect(splitVersion("/version")).toEqual({ version: undefined, path: "/version" });
    expect(splitVersion("/v1x/info")).toEqual({ version: undefined, path: "/v1x/info" });
  });
});
