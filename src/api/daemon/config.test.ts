// Flags and daemon.json to a configuration: dockerd's meanings, dockerd's words.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { configOf, mergeSettings, parseCommandLine, parseConfigFile } from "./config.ts";
import { FLAGS } from "./flags.ts";
import { usage } from "./usage.ts";

const flags = (...args: string[]) => parseCommandLine(args, "dockerd").settings;
const file = (value: unknown, ...args: string[]) =>
  parseConfigFile(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)), flags(...args));
const config = (...args: string[]) => configOf(mergeSettings(flags(...args), new Map()), {});
const configFrom = (value: unknown, ...args: string[]) =>
  configOf(mergeSettings(flags(...args), file(value, ...args)), {});

describe("flags", () => {
  test("nothing said: the defaults", () => {
    expect(config()).toMatchObject({
      hosts: ["unix:///run/berth/berth.sock"],
      dataRoot: "/var/lib/berth",
      execRoot: "/run/berth",
      pidfile: "/run/berth/berth.pid",
      group: "docker",
      bridge: "berth0",
      logLevel: "info",
      logFormat: "text",
      mtu: 1500,
      icc: true,
      ipForward: true,
      ipMasq: true,
      nftables: true,
      userlandProxy: true,
      ipv6: false,
      defaultShmSize: 67108864,
      maxConcurrentDownloads: 3,
      maxConcurrentUploads: 5,
      maxDownloadAttempts: 5,
      shutdownTimeout: 15,
      seccompProfile: "builtin",
      logDriver: "json-file",
      allowInsecureTcp: false,
      features: {},
    });
  });

  test("socket and pid file follow the exec root, so that daemons side by side need one flag less", () => {
    expect(config("--exec-root", "/run/two")).toMatchObject({
      hosts: ["unix:///run/two/berth.sock"],
      pidfile: "/run/two/berth.pid",
    });
    expect(config("--pidfile", "").pidfile).toBe("");
  });

  test.each([
    [["-D"], { debug: true }],
    [["--debug=false"], { debug: false }],
    [["-l", "warn"], { logLevel: "warn" }],
    [["-l=error"], { logLevel: "error" }],
    [["-lfatal"], { logLevel: "fatal" }],
    [["--icc=false"], { icc: false }],
    [["--iptables=0"], { nftables: false }],
    [["--userland-proxy=false"], { userlandProxy: false }],
    [
      ["-H", "unix:///a", "-Htcp://:2376", "--host=unix:///a"],
      { hosts: ["tcp://localhost:2376", "unix:///a"] },
    ],
    [["--dns", "1.1.1.1,8.8.8.8", "--dns", "::1"], { dns: ["1.1.1.1", "8.8.8.8", "::1"] }],
    [["--label", "a=b", "--label", "a=b", "--label", "c="], { labels: ["a=b", "c="] }],
    [
      ["--log-opt", "max-size=1m", "--log-opt", "max-file=3"],
      { logOptions: { "max-size": "1m", "max-file": "3" } },
    ],
    [
      ["--default-ulimit", "nofile=10:20", "--default-ulimit", "core=0"],
      {
        defaultUlimits: {
          nofile: { Name: "nofile", Soft: 10, Hard: 20 },
          core: { Name: "core", Soft: 0, Hard: 0 },
        },
      },
    ],
    [
      ["--default-address-pool", "base=10.0.0.0/8,size=24"],
      { defaultAddressPools: [{ base: "10.0.0.0/8", size: 24 }] },
    ],
    [["--add-runtime", "youki=/usr/bin/youki"], { runtimes: { youki: { path: "/usr/bin/youki" } } }],
    [["--default-shm-size", "128m"], { defaultShmSize: 134217728 }],
    [["--registry-mirror", "https://mirror.example"], { registryMirrors: ["https://mirror.example/"] }],
    [
      ["--feature", "cdi=false", "--feature", "buildkit=false"],
      { features: { cdi: false, buildkit: false } },
    ],
    [["--ip", "127.0.0.1"], { ip: "127.0.0.1" }],
    [["--tls"], { tls: expect.objectContaining({ enabled: true, verify: true }) }],
    [["--tlsverify"], { tls: expect.objectContaining({ enabled: true, verify: true }) }],
    [["--tlsverify=false"], { tls: expect.objectContaining({ enabled: true, verify: false }) }],
    [["--tls=false"], { tls: expect.objectContaining({ enabled: false, verify: false }) }],
    [["--exec-opt", "native.cgroupdriver=systemd"], { execOptions: ["native.cgroupdriver=systemd"] }],
    [["--storage-driver", "overlay2", "--userland-proxy=false", "--selinux-enabled=false"], {}],
  ])("%p", (args, expected) => {
    expect(config(...args)).toMatchObject(expected);
  });

  test.each([
    [["--nope"], "unknown flag: --nope\nSee 'dockerd --help'."],
    [["-Z"], "unknown shorthand flag: 'Z' in -Z"],
    [["--bip"], "flag needs an argument: --bip"],
    [["-H"], "flag needs an argument: 'H' in -H"],
    [["run"], '"dockerd" accepts no argument(s).'],
    [
      ["--debug=maybe"],
      'invalid argument "maybe" for "-D, --debug" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
    [
      ["--mtu", "big"],
      'invalid argument "big" for "--mtu" flag: strconv.ParseInt: parsing "big": invalid syntax',
    ],
    [["--ip", "here"], 'invalid argument "here" for "--ip" flag: failed to parse IP: "here"'],
    [["--label", "nothing"], "bad attribute format: nothing"],
    [["--label", "a=1", "--label", "a=2"], "conflict labels for a=2 and a=1"],
    [["--dns-search", "a b"], "a b is not a valid domain"],
    [["--registry-mirror", "mirror"], "invalid mirror:"],
    [["--registry-mirror", "ftp://m"], 'invalid mirror: unsupported scheme "ftp" in "ftp://m"'],
    [["--default-ulimit", "nofile"], "invalid ulimit argument: nofile"],
    [["--default-ulimit", "nofile=2:1"], "ulimit soft limit must be less than or equal to hard limit: 2 > 1"],
    [["--default-shm-size", "big"], "invalid size: 'big'"],
    [["--add-runtime", "runc=/x"], "runtime name 'runc' is reserved"],
    [["--log-level", "loud"], "invalid logging level: loud"],
    [["--log-format", "xml"], "invalid log format: xml"],
    [["--mtu", "-1"], "invalid default MTU: -1"],
    [["--max-concurrent-downloads", "-2"], "invalid max concurrent downloads: -2"],
    [
      ["--default-ipc-mode", "host"],
      'IPC mode "host" is not supported as default value; use "shareable" or "private"',
    ],
    [["--default-cgroupns-mode", "x"], 'invalid default cgroup namespace (x): use "host" or "private"'],
    [["--exec-opt", "x"], "invalid exec-opt (x): must be formatted 'opt=value'"],
    [["--exec-opt", "a=b"], "invalid exec-opt (a=b): unknown option: 'a'"],
    [["--iptables=false", "--icc=false"], "You specified --iptables=false with --icc=false."],
    [["--storage-driver", "btrfs"], 'storage-driver "btrfs" can\'t be served'],
    [["--authorization-plugin", "x"], 'the option "--authorization-plugin" can\'t be served'],
    [["-H", "unix://a://b"], "invalid bind address (unix://a://b): invalid unix address: a://b"],
    [["-H", "tcp://a/b"], "invalid bind address (tcp://a/b): should not contain a path element"],
    [["-H", "tcp://a:99999"], "invalid bind address (tcp://a:99999): invalid port: 99999"],
  ])("%p is refused", (args, words) => {
    expect(() => config(...args)).toThrow(words);
  });

  test("the environment of the client's TLS counts as in dockerd", () => {
    const settings = mergeSettings(flags(), new Map());
    expect(configOf(settings, { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/certs" }).tls).toEqual({
      enabled: true,
      verify: true,
      ca: "/certs/ca.pem",
      certificate: "/certs/cert.pem",
      key: "/certs/key.pem",
    });
  });
});

describe("daemon.json", () => {
  test.each([
    [{}, {}],
    ["", {}],
    ["\ufeff{}", {}],
    [
      { debug: true, "log-level": "debug" },
      { debug: true, logLevel: "debug" },
    ],
    [{ hosts: ["unix:///x"] }, { hosts: ["unix:///x"] }],
    [{ iptables: false }, { nftables: false }],
    [{ builder: {} }, { builder: { entitlements: ["network.host", "device"] } }],
    [
      { builder: { entitlements: { "security-insecure": true, "network-host": false } } },
      { builder: { entitlements: ["security.insecure", "device"] } },
    ],
    [{ "insecure-registries": ["10.0.0.0/8", "r:5000"] }, { insecureRegistries: ["10.0.0.0/8", "r:5000"] }],
    [
      { runtimes: { y: { path: "/y", runtimeArgs: ["--debug"] } } },
      { runtimes: { y: { path: "/y", runtimeArgs: ["--debug"] } } },
    ],
    [
      { "default-ulimits": { nofile: { Name: "nofile", Hard: 2, Soft: 1 } } },
      { defaultUlimits: { nofile: { Name: "nofile", Hard: 2, Soft: 1 } } },
    ],
    [
      { "default-address-pools": [{ base: "10.0.0.0/8", size: 24 }] },
      { defaultAddressPools: [{ base: "10.0.0.0/8", size: 24 }] },
    ],
    [{ features: { "containerd-snapshotter": true } }, { features: { "containerd-snapshotter": true } }],
    [{ proxies: { "http-proxy": "http://p" } }, { proxies: { http: "http://p" } }],
    [
      { "default-shm-size": "1g", "shutdown-timeout": 3 },
      { defaultShmSize: 1073741824, shutdownTimeout: 3 },
    ],
    [{ "userns-remap": "", "selinux-enabled": false, builder: {} }, {}],
    [
      { tlsverify: true, tlscacert: "/ca" },
      { tls: expect.objectContaining({ enabled: true, verify: true, ca: "/ca" }) },
    ],
  ])("%p", (value, expected) => {
    expect(configFrom(value)).toMatchObject(expected);
  });

  test.each([
    [{ foo: 1, bar: 2 }, [], "the following directives don't match any configuration option: foo, bar"],
    [{ debug: "yes" }, [], "json: cannot unmarshal string into Go struct field Config.debug of type bool"],
    [
      { labels: "a=b" },
      [],
      "json: cannot unmarshal string into Go struct field Config.labels of type []string",
    ],
    [{ mtu: "1" }, [], "json: cannot unmarshal string into Go struct field Config.mtu of type int"],
    [
      { debug: true },
      ["-D"],
      "the following directives are specified both as a flag and in the configuration file: debug: (from flag: true, from file: true)",
    ],
    [{ labels: ["a=b"] }, ["--label", "c=d"], "labels: (from flag: [c=d], from file: [a=b])"],
    [
      { "http-proxy": "http://u:p@h" },
      ["--http-proxy", "http://v:q@h"],
      "http-proxy: (from flag: http://xxxxx:xxxxx@h, from file: http://xxxxx:xxxxx@h)",
    ],
    [{ "userns-remap": "default" }, [], 'the option "userns-remap" can\'t be served'],
    [{ builder: { history: {} } }, [], 'leave the key "builder.history" out'],
    [{ builder: { entitlements: { all: true } } }, [], 'no entitlement "all"'],
    [{ builder: { entitlements: { device: "yes" } } }, [], "entitlement device must be true or false"],
    [{ runtimes: { a: { runtimeType: "x" } } }, [], "runtime 'a': runtimeType is not supported"],
    ["[]", [], "the configuration must be an object"],
  ])("%p with %p is refused", (value, args, words) => {
    expect(() => configFrom(value, ...args)).toThrow(words);
  });

  test("runtimes of file and flags add up; other keys beside flags of other names do too", () => {
    const both = configFrom(
      { runtimes: { a: { path: "/a" } }, mtu: 1400 },
      "--add-runtime",
      "b=/b",
      "--icc=false",
    );
    expect(both).toMatchObject({ runtimes: { a: { path: "/a" }, b: { path: "/b" } }, mtu: 1400, icc: false });
  });

  test("every flag but the four that are about the command itself has a key, and no two the same", () => {
    const keys = FLAGS.filter((flag) => flag.key !== null).map((flag) => flag.key ?? flag.name);
    expect(new Set(keys).size).toBe(keys.length);
    expect(FLAGS.filter((flag) => flag.key === null).map((flag) => flag.name)).toEqual([
      "config-file",
      "help",
      "validate",
      "version",
    ]);
  });
});

describe("--help", () => {
  test("is dockerd's form", () => {
    const text = usage("dockerd");
    expect(text).toStartWith(
      "\nUsage:\tdockerd [OPTIONS]\n\nA self-sufficient runtime for containers.\n\nOptions:\n",
    );
    expect(text).toContain("\n  -D, --debug                               Enable debug mode\n");
    expect(text).toContain(
      `\n      --icc                                 Enable inter-container\n${" ".repeat(44)}communication for the default\n${" ".repeat(44)}bridge network (default true)\n`,
    );
    expect(text).toContain("\n      --help                                Print usage\n");
  });

  test("what is refused isn't offered", () => {
    const text = usage("dockerd");
    for (const flag of FLAGS) expect(text.includes(` --${flag.name} `)).toBe(!flag.refused);
  });

  test("the flags are in the alphabet's order, each once", () => {
    const names = FLAGS.map((flag) => flag.name);
    expect(names).toEqual([...names].sort());
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("no option is taken and then forgotten", () => {
  const source = (folder: string, skip: RegExp) =>
    [...new Bun.Glob("**/*.ts").scanSync(folder)]
      .filter((path) => !skip.test(path) && !path.endsWith(".test.ts"))
      .map((path) => readFileSync(join(folder, path), "utf8"))
      .join("\n");
  const root = join(import.meta.dir, "../..");
  const others = source(root, /^api\/daemon\/(config|flags|reload|values)\.ts$|types\.ts$|^api\/types\//);
  const reading = readFileSync(join(import.meta.dir, "config.ts"), "utf8");

  test.each(Object.keys(config()))("%s has a reader", (field) => {
    // `features` are checked to be what they are here anyway: see checkFeatures.
    const read = new RegExp(`\\b(config|settings)\\??\\.${field}\\b`);
    expect(read.test(field === "features" ? reading : others)).toBe(true);
  });
  test.each(FLAGS.filter(({ refused, always }) => !refused && !always).map(({ name }) => name))(
    "--%s is read",
    (name) => {
      const elsewhere = readFileSync(join(import.meta.dir, "run.ts"), "utf8");
      expect(`${reading}${elsewhere}`).toContain(`"${name}"`);
    },
  );
});

describe("what can't be served", () => {
  test.each([
    [["--ip-forward-no-drop"], "rules of its own"],
    [["--userland-proxy-path", "/x"], "no other binary"],
    [["--ip6tables=false"], "one table"],
    [["--iptables=false", "--ip6tables"], "one table"],
    [["--feature", "nosuch=true"], 'the feature "nosuch" is not known'],
    [["--feature", "containerd-snapshotter=false"], "can't be served"],
  ])("%p", (args, text) => {
    expect(() => config(...args)).toThrow(text);
  });
  test.each([
    [["--userland-proxy=false"]],
    [["--iptables=false", "--ip6tables=false"]],
    [["--feature", "containerd-snapshotter"]],
    [["--raw-logs"]],
  ])("%p can", (args) => {
    expect(() => config(...args)).not.toThrow();
  });
});
