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

describe("refused for the type of a value, which Go names", () => {
  const inField = (kind: string, path: string, type: string) =>
    `${kind} into Go struct field ${path} of type ${type}`;
  test.each([
    ['{"Cmd":5}', "number into Go value of type string"],
    ['{"Cmd":[5]}', "array into Go value of type string"],
    ['{"Entrypoint":{}}', "object into Go value of type string"],
    ['{"HostConfig":{"CapAdd":5}}', "number into Go value of type string"],
    ['{"Healthcheck":{"Test":"x"}}', inField("string", ".Healthcheck.Test", "[]string")],
    ['{"Env":[5]}', "number into .Env.0 of type string"],
    ['{"HostConfig":{"Binds":["a",5]}}', "number into .HostConfig.Binds.1 of type string"],
    ['{"HostConfig":5}', inField("number", ".HostConfig", "container.HostConfig")],
    ['{"HostConfig":{"Mounts":[5]}}', "number into .HostConfig.Mounts.0 of type mount.Mount"],
    ['{"HostConfig":{"Mounts":[{"Type":5}]}}', inField("number", ".HostConfig.Mounts.0.Type", "mount.Type")],
    [
      '{"HostConfig":{"PortBindings":{"80/tcp":5}}}',
      inField("number", ".HostConfig.PortBindings.80~1tcp", "[]nat.PortBinding"),
    ],
    [
      '{"HostConfig":{"PortBindings":{"80/tcp":[5]}}}',
      "number into .HostConfig.PortBindings.80~1tcp.0 of type nat.PortBinding",
    ],
    [
      '{"HostConfig":{"NetworkMode":5}}',
      inField("number", ".HostConfig.NetworkMode", "container.NetworkMode"),
    ],
    [
      '{"HostConfig":{"RestartPolicy":{"Name":5}}}',
      inField("number", ".HostConfig.RestartPolicy.Name", "container.RestartPolicyMode"),
    ],
    ['{"Labels":{"a~/b":1}}', inField("number", ".Labels.a~0~1b", "string")],
    ['{"StopTimeout":1.5}', inField("number 1.5", ".StopTimeout", "int")],
    [
      '{"NetworkingConfig":{"EndpointsConfig":{"a":5}}}',
      inField("number", ".NetworkingConfig.EndpointsConfig.a", "network.EndpointSettings"),
    ],
  ])("%s", (text, words) => {
    expect(() => create(text)).toThrow(`invalid JSON: json: cannot unmarshal ${words}`);
  });
  test("with the struct's name for other operations", () => {
    expect(() => decodeBody("NetworkCreate", '{"IPAM":{"Config":[5]}}')).toThrow(
      "number into CreateRequest.IPAM.Config.0 of type network.IPAMConfig",
    );
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
    ['{"HostConfig":{"CapAdd":"NET_ADMIN"}}', { HostConfig: { CapAdd: ["NET_ADMIN"] } }],
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
