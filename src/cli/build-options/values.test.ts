import { expect, test } from "bun:test";
import { cacheFilters } from "./cache-filters.ts";
import { csvOf } from "./csv-keys.ts";
import { parseOutput } from "./outputs.ts";
import {
  attestationShorthand,
  keyValueMap,
  parseAnnotation,
  parseAttestation,
  parseCaches,
  parseNamedContext,
  parseQuestion,
  parseSecret,
  parseSsh,
} from "./values.ts";

// Each text with what buildx 0.29 takes it for, or with its words for what is wrong.
const table = <T>(name: string, parse: (text: string) => T, cases: Array<[string, unknown]>) =>
  test.each(cases)(`${name} %s`, (text, expected) => {
    if (expected instanceof Error) expect(() => parse(text)).toThrow(expected.message);
    else expect(parse(text)).toEqual(expected as T);
  });

table("--output", parseOutput, [
  ["out", { type: "local", destination: "out", attributes: {} }],
  ["-", { type: "tar", destination: "-", attributes: {} }],
  ["type=tar,dest=a.tar", { type: "tar", destination: "a.tar", attributes: {} }],
  [
    'type=image,"name=a,b",PUSH=true',
    { type: "image", destination: "", attributes: { name: "a,b", push: "true" } },
  ],
  ["dest=a,x=y", new Error("type is required for output")],
  ["type=tar,dest", new Error("invalid value dest")],
]);

table("--cache-from", parseCaches, [
  ["user/app:cache", [{ type: "registry", attributes: { ref: "user/app:cache" } }]],
  [
    "a,b",
    [
      { type: "registry", attributes: { ref: "a" } },
      { type: "registry", attributes: { ref: "b" } },
    ],
  ],
  ["type=local,src=x,Tag=t", [{ type: "local", attributes: { src: "x", tag: "t" } }]],
  ["", []],
  ["src=x", new Error('type required for "src=x"')],
]);

table("--secret", parseSecret, [
  ["id=a", ["a", {}]],
  ["id=a,src=f", ["a", { file: "f" }]],
  ["id=a,source=f", ["a", { file: "f" }]],
  ["id=a,env=E", ["a", { env: "E" }]],
  ["type=env,id=a,src=E", ["a", { env: "E" }]],
  ["type=vault,id=a", new Error('unsupported secret type "vault"')],
  ["a", new Error("invalid field 'a' must be a key=value pair")],
  ["id=a,key=b", new Error("unexpected key 'key' in 'key=b'")],
]);

table("--ssh", parseSsh, [
  ["default", ["default", []]],
  ["a=/run/agent", ["a", ["/run/agent"]]],
  ["a=k1,k2", ["a", ["k1", "k2"]]],
  ["=x", ["default", ["x"]]],
]);

table("--attest", parseAttestation, [
  ["type=sbom,generator=image", ["sbom", "type=sbom,generator=image"]],
  ["type=provenance,mode=max,builder-id=x", ["provenance", "type=provenance,builder-id=x,mode=max"]],
  ["type=sbom,disabled=true", ["sbom", false]],
  ["type=sbom,disabled=false", ["sbom", "type=sbom"]],
  ["mode=max", new Error("attestation type not specified")],
  [
    "type=sbom,disabled=x",
    new Error('invalid value disabled=x: strconv.ParseBool: parsing "x": invalid syntax'),
  ],
]);

table("--sbom", (text) => attestationShorthand("sbom", text), [
  ["", undefined],
  ["true", "type=sbom,disabled=false"],
  ["0", "type=sbom,disabled=true"],
  ["generator=x", "type=sbom,generator=x"],
]);

table("--build-context", parseNamedContext, [
  ["base=docker-image://a", ["base", "docker-image://a"]],
  ["alpine:latest=x", ["alpine", "x"]],
  ["alpine:3=x", ["alpine:3", "x"]],
  ["base", new Error("invalid context value: base, expected key=value")],
  ["BASE=x", new Error("invalid context name BASE: invalid reference format")],
]);

table("--annotation", parseAnnotation, [
  ["a=b", [["annotation.a", "b"]]],
  ["index:a=b", [["annotation-index.a", "b"]]],
  [
    "manifest[linux/amd64],index:a=b=c",
    [
      ["annotation-manifest[linux/amd64].a", "b=c"],
      ["annotation-index.a", "b=c"],
    ],
  ],
  ["a", new Error('invalid annotation "a", expected key=value')],
  ["foo:a=b", new Error('unknown annotation type "foo"')],
]);

table("--call", parseQuestion, [
  ["build", undefined],
  ["check", { name: "lint", format: "", ignoreStatus: false }],
  ["outline,format=json", { name: "outline", format: "json", ignoreStatus: false }],
  ["check,ignorestatus=true", { name: "lint", format: "", ignoreStatus: true }],
  ["check,x=y", new Error("invalid print field: x=y")],
  ["a,b", new Error("invalid print value: a,b")],
]);

table(
  "--filter of the cache",
  (text) => {
    const given: Record<string, string[]> = {};
    for (const pair of text.split(" ").filter(Boolean)) {
      const [key = "", value = ""] = pair.split(/=(.*)/s);
      given[key] = [...(given[key] ?? []), value];
    }
    return cacheFilters(given);
  },
  [
    ["", { filters: [""], unusedFor: 0 }],
    ["type=regular", { filters: ["type==regular"], unusedFor: 0 }],
    ["id=abc", { filters: ["id~=abc"], unusedFor: 0 }],
    ["type!=regular", { filters: ["type!=regular"], unusedFor: 0 }],
    ["until=24h", { filters: [""], unusedFor: 24 * 3600e9 }],
    ["unused-for=1h", { filters: [""], unusedFor: 3600e9 }],
    ["until=1h unused-for=1h", new Error('conflicting filters "until" and "unused-for"')],
    ["until=x", new Error(`"until" filter expects a duration (e.g., '24h'): time: invalid duration "x"`)],
    ["type=a type=b", new Error("filters expect only one value")],
  ],
);

test("values that have the separator in them are quoted", () => {
  expect(
    csvOf([
      ["a", "b,c"],
      ["d", 'e"f'],
      ["g", "h"],
    ]),
  ).toBe('"a=b,c","d=e""f",g=h');
});

test("build arguments without a value are the environment's, or none", () => {
  const environment: Record<string, string> = { A: "1" };
  expect(keyValueMap(["A", "B", "C=", "D=x=y"], (key) => environment[key])).toEqual({
    A: "1",
    C: "",
    D: "x=y",
  });
  expect(() => keyValueMap(["=x"], () => "")).toThrow('invalid key-value pair "=x": empty key');
});
