// Log options as Docker 28.5 answered for them, when a container was made and when it was started.
import { describe, expect, test } from "bun:test";
import { messageOf } from "../base/errors.ts";
import type { ContainerRecord } from "../containers/index.ts";
import { extraAttributes, logTag } from "./log-attributes.ts";
import { checkLogOptions, parseSize } from "./log-config.ts";
import { logSettings } from "./log-settings.ts";
import type { Engine } from "./types.ts";

type Options = Record<string, string>;

function refusal(work: () => unknown): string {
  try {
    work();
    return "";
  } catch (error) {
    return messageOf(error);
  }
}

describe("when a container is made", () => {
  const cases: [string, Options, string][] = [
    ["local", { foo: "1" }, "unknown log opt 'foo' for log driver local"],
    ["local", { labels: "a" }, "unknown log opt 'labels' for log driver local"],
    ["local", { "max-size": "abc", "max-file": "x", compress: "x", "cache-disabled": "0" }, ""],
    ["json-file", { "max-size": "x", "max-file": "0", tag: "{{", "labels-regex": "[" }, ""],
    ["json-file", { "cache-disabled": "true", "cache-max-size": "1m" }, ""],
    ["json-file", { "cache-foo": "1" }, "unknown log opt 'cache-foo' for json-file log driver"],
    ["json-file", { mode: "foo" }, "logger: logging mode not supported: foo"],
    [
      "json-file",
      { "max-buffer-size": "1m" },
      "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
    ],
    [
      "json-file",
      { mode: "non-blocking", "max-buffer-size": "x" },
      "error parsing option max-buffer-size: invalid size: 'x'",
    ],
    ["syslog", { "syslog-address": "foo" }, "unsupported scheme: ''"],
    ["syslog", { "syslog-address": "http://a" }, "unsupported scheme: 'http'"],
    ["syslog", { "syslog-address": "unix:///nosuch" }, "stat /nosuch: no such file or directory"],
    ["syslog", { "syslog-address": "udp://[::1" }, "parse \"udp://[::1\": missing ']' in host"],
    ["syslog", { "syslog-address": "tcp://a:b:c" }, 'parse "tcp://a:b:c": invalid port ":c" after host'],
    ["syslog", { "syslog-address": "tcp://a:1:2" }, "address a:1:2: too many colons in address"],
    ["syslog", { "syslog-address": "tcp://" }, ""],
    ["syslog", { "syslog-address": "unixgram:///dev/null" }, ""],
    ["syslog", { "syslog-facility": "foo" }, "invalid syslog facility"],
    ["syslog", { "syslog-facility": "24" }, "invalid syslog facility"],
    ["syslog", { "syslog-facility": "23", "syslog-format": "rfc5424micro" }, ""],
    ["syslog", { "syslog-format": "foo" }, "Invalid syslog format"],
    ["syslog", { "cache-disabled": "foo" }, "invalid value for option cache-disabled: foo"],
    ["syslog", { "max-size": "10m" }, "unknown log opt 'max-size' for syslog log driver"],
    ["journald", { foo: "bar" }, "unknown log opt 'foo' for journald log driver"],
    ["gcplogs", {}, 'error looking up logging plugin gcplogs: plugin "gcplogs" not found'],
    ["etwlogs", {}, 'error looking up logging plugin etwlogs: plugin "etwlogs" not found'],
  ];
  test.each(cases)("%s %j: %s", (type, options, text) => {
    expect(refusal(() => checkLogOptions(type, options))).toBe(text);
  });
});

const record = (Type: string, Config: Options): ContainerRecord =>
  ({
    id: "0123456789abcdef".repeat(4),
    name: "box",
    imageId: `sha256:${"ab".repeat(32)}`,
    imageName: "busybox",
    path: "sh",
    args: ["-c", "true"],
    logPath: "/c/x-json.log",
    config: { Env: ["A=1", "BB=2=3", "C"], Labels: { a: "x", "com.example": "y" } },
    hostConfig: { LogConfig: { Type, Config } },
  }) as unknown as ContainerRecord;
const engine = { environment: { paths: { dataRoot: "/c" } } } as unknown as Engine;

describe("when a container starts", () => {
  const cases: [string, Options, string][] = [
    ["local", { "max-size": "abc" }, "invalid value for max-size: abc: invalid size: 'abc'"],
    ["local", { "max-size": "-1" }, "invalid value for max-size: -1: invalid size: '-1'"],
    ["local", { "max-file": "0" }, "compression cannot be enabled when max file count is 1"],
    ["local", { "max-file": "1" }, "compression cannot be enabled when max file count is 1"],
    [
      "local",
      { "max-file": "x" },
      'invalid value for max-file: x: strconv.Atoi: parsing "x": invalid syntax',
    ],
    [
      "local",
      { compress: "x" },
      'error reading compress log option: strconv.ParseBool: parsing "x": invalid syntax',
    ],
    ["json-file", { "max-size": "x" }, "invalid size: 'x'"],
    ["json-file", { "max-size": "0" }, "max-size must be a positive number"],
    ["json-file", { "max-size": "-5" }, "invalid size: '-5'"],
    ["json-file", { "max-size": "1m", "max-file": "0" }, "max-file cannot be less than 1"],
    [
      "json-file",
      { compress: "true" },
      "compress cannot be true when max-file is less than 2 or max-size is not set",
    ],
    ["json-file", { "labels-regex": "[" }, "error parsing regexp: missing closing ]: `[`"],
    ["json-file", { tag: "{{" }, "template: log-tag:1: unclosed action"],
    [
      "json-file",
      { tag: "{{.Foo}}" },
      'template: log-tag:1:2: executing "log-tag" at <.Foo>: can\'t evaluate field Foo in type *logger.Info',
    ],
  ];
  test.each(cases)("%s %j: %s", async (type, options, text) => {
    await expect(logSettings(engine, record(type, options))).rejects.toThrow(
      `failed to create task for container: failed to initialize logging driver: ${text}`,
    );
  });

  test("what the shim is told", async () => {
    expect(await logSettings(engine, record("local", {}))).toMatchObject({
      driver: "local",
      maxSize: 20 << 20,
      maxFiles: 5,
      compress: true,
    });
    const options = { "syslog-address": "udp://[::1]:99", mode: "non-blocking", "cache-max-size": "1m" };
    expect(await logSettings(engine, record("syslog", options))).toMatchObject({
      network: "udp [::1]:99",
      peer: { kind: "inet", address: "::1", port: 99, datagram: true },
      facility: 3,
      tag: "0123456789ab",
      buffer: 1_000_000,
      cache: { maxSize: 1_000_000, maxFiles: 5, compress: true },
    });
    expect(await logSettings(engine, record("syslog", { "cache-disabled": "true" }))).not.toHaveProperty(
      "cache",
    );
    expect(await logSettings(engine, record("journald", { labels: "com.example", env: "A" }))).toMatchObject({
      fields: { COM_EXAMPLE: "y", A: "1", CONTAINER_NAME: "box", CONTAINER_ID: "0123456789ab" },
    });
  });
});

test.each([
  [
    { labels: "a,none", env: "BB,C" },
    { a: "x", BB: "2=3" },
  ],
  [
    { "labels-regex": "^com", "env-regex": "^(A|B)" },
    { "com.example": "y", A: "1", BB: "2=3" },
  ],
  [{}, {}],
])("attributes of %j", (options, expected) => {
  expect(extraAttributes(record("json-file", options), options)).toEqual(expected as Record<string, string>);
});

test.each([
  ["{{.ID}}", "0123456789ab"],
  ["{{.Name}}/{{.FullID}}", `box/${"0123456789abcdef".repeat(4)}`],
  ["{{.ImageName}} {{.Command}}", "busybox sh -c true"],
  ['{{.ImageID}}{{with index .ContainerLabels "a"}}-{{upper .}}{{end}}', "sha256:ababa-X"],
  ["plain", "plain"],
])("the tag %s", async (tag, expected) => {
  expect(await logTag(record("json-file", { tag }), { tag }, "")).toBe(expected);
});

test.each([
  ["10m", 10_000_000, 10_485_760],
  ["1.5kb", 1500, 1536],
  ["3 GiB", 3_000_000_000, 3_221_225_472],
  ["7", 7, 7],
  ["ib", undefined, undefined],
  ["-1", undefined, undefined],
  ["1x", undefined, undefined],
])("the size %s", (text, decimal, binary) => {
  expect([parseSize(text, 1000), parseSize(text, 1024)]).toEqual([decimal, binary]);
});
