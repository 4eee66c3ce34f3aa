// JSON bodies: what Go's decoder takes, and its words for what it doesn't. The words were seen with Docker 28.5.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BerthError } from "../base/errors.ts";
import { decodeBody } from "./decode.ts";

const create = (text: string) => decodeBody("ContainerCreate", text);

describe("refused", () => {
  test.each([
    ["x", "invalid JSON: invalid character 'x' looking for beginning of value"],
    ['{"Image":1}', "invalid JSON: json: cannot unmarshal number into Go struct field .Image of type string"],
    [
      '{"HostConfig":{"Binds":3}}',
      "invalid JSON: json: cannot unmarshal number into Go struct field .HostConfig.Binds of type []string",
    ],
    [
      '{"HostConfig":{"Memory":"1g"}}',
      "invalid JSON: json: cannot unmarshal string into Go struct field .HostConfig.Memory of type int64",
    ],
    [
      '{"HostConfig":{"Memory":1.5}}',
      "invalid JSON: json: cannot unmarshal number 1.5 into Go struct field .HostConfig.Memory of type int64",
    ],
    ['{"Tty":"yes"}', "invalid JSON: json: cannot unmarshal string into Go struct field .Tty of type bool"],
    [
      '{"Labels":[]}',
      "invalid JSON: json: cannot unmarshal array into Go struct field .Labels of type map[string]string",
    ],
    ['{"Image":"x"} {', "unexpected content after JSON"],
    ['{"Image":"x"', "invalid JSON: unexpected EOF"],
    ['{"Image":"x', "invalid JSON: unexpected EOF"],
    ["[]", "invalid JSON: json: cannot unmarshal array into Go value of type container.CreateRequest"],
    ['"text"', "invalid JSON: json: cannot unmarshal string into Go value of type container.CreateRequest"],
    ["\u0001", "invalid JSON: invalid character '\\x01' looking for beginning of value"],
    ["{a:1}", "invalid JSON: the text is not JSON"],
  ])("%s", (text, words) => {
    expect(() => create(text)).toThrow(words);
  });
});

describe("taken", () => {
  test.each([
    ["", undefined],
    ["  \n", undefined],
    ["null", {}],
    ["{}", {}],
    ['{"Image":"x","Unknown":1}', { Image: "x" }],
    ['{"image":"x"}', { Image: "x" }],
    ['{"Image":null,"Cmd":null}', {}],
    ['{"Cmd":"true"}', { Cmd: ["true"] }],
    ['{"Entrypoint":["a",""]}', { Entrypoint: ["a", ""] }],
    [
      '{"Volumes":{"/a":{}},"ExposedPorts":{"80/tcp":null}}',
      { Volumes: { "/a": {} }, ExposedPorts: { "80/tcp": {} } },
    ],
    [
      '{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"8080"}],"81/tcp":null}}}',
      { HostConfig: { PortBindings: { "80/tcp": [{ HostPort: "8080" }], "81/tcp": [] } } },
    ],
    ['{"HostConfig":{"Memory":9007199254740991}}', { HostConfig: { Memory: Number.MAX_SAFE_INTEGER } }],
    ['{"Labels":{"__proto__":"x"}}', { Labels: Object.fromEntries([["__proto__", "x"]]) }],
  ])("%s", (text, value) => {
    expect(create(text)).toEqual(value as never);
  });
});

test("any bytes are taken or refused as invalid", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (text) => {
      try {
        create(text);
      } catch (error) {
        expect(error).toBeInstanceOf(BerthError);
        expect((error as BerthError).kind).toBe("invalid");
      }
    }),
  );
});
