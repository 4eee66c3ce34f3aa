import { expect, test } from "bun:test";
import { compileTemplate, TemplateError } from "../../base/template/index.ts";
import { asGoStructures } from "./go-types.ts";
import { compileInspectTemplate } from "./inspect.ts";

// What Docker 28.5 printed of such objects.
const CONTAINER = {
  Id: "c1",
  State: { Status: "created" },
  HostConfig: { NetworkMode: "bridge", PidMode: "host", IpcMode: "private", CpuShares: 0, Dns: null },
  Mounts: [],
  NetworkSettings: { Networks: { bridge: { IPAMConfig: null, DNSNames: null } } },
};
const IMAGE = {
  Id: "i1",
  Config: { Cmd: ["sh"] },
  RootFS: { Type: "layers" },
  Descriptor: { digest: "sha256:1" },
};
const VOLUME = { Name: "v", Driver: "local", Mountpoint: "/m", Labels: null, Options: null, Scope: "local" };
const NETWORK = {
  Name: "n",
  Id: "n1",
  Created: "2026-11-21T08:55:06.762059348Z",
  IPAM: { Driver: "default", Options: null, Config: [{ Subnet: "172.17.0.0/16", Gateway: "172.17.0.1" }] },
};
const INSPECTED: [object: object, template: string, text: string][] = [
  [CONTAINER, "{{.HostConfig.Init}}", "<nil>"],
  [
    CONTAINER,
    "{{.HostConfig.Sysctls}}{{.HostConfig.Tmpfs}}{{.HostConfig.StorageOpt}}{{.HostConfig.Annotations}}",
    "map[]map[]map[]map[]",
  ],
  [CONTAINER, "{{.Mounts}} {{.SizeRw}} {{.HostConfig.Mounts}}", "[] <nil> []"],
  [CONTAINER, "{{.HostConfig.NetworkMode.IsHost}} {{.HostConfig.PidMode.IsHost}}", "false true"],
  [CONTAINER, "{{.HostConfig.IpcMode.IsPrivate}} {{.HostConfig.NetworkMode.NetworkName}}", "true bridge"],
  [CONTAINER, '{{if eq .HostConfig.NetworkMode "bridge"}}yes{{end}}', "yes"],
  [CONTAINER, "{{.HostConfig.DNS}} {{.HostConfig.CPUShares}} {{.HostConfig.CpuShares}}", ""],
  [CONTAINER, "{{.HostConfig.DNS}} {{.HostConfig.CPUShares}} {{.HostConfig.Memory}}", "[] 0 0"],
  [CONTAINER, "{{.HostConfig.CpuShares}}", "0"],
  [CONTAINER, "{{.NetworkSettings.Networks.bridge}}", "{<nil> [] []  map[] 0     0   0 []}"],
  [IMAGE, "{{.Config}}", "{{ map[] [] [] [sh] map[]  map[]  false} {<nil> [] []}}"],
  [IMAGE, "{{.Variant}}|{{.ContainerConfig}}|{{.Descriptor.Digest}}", "|<nil>|sha256:1"],
  [VOLUME, "{{.Status}} {{.UsageData}} {{.Labels}}", "map[] <nil> map[]"],
  [VOLUME, "{{.}}", "{<nil>  local map[] /m v map[] local map[] <nil>}"],
  [
    NETWORK,
    "{{.IPAM}} {{.Created}}",
    "{default map[] [{172.17.0.0/16  172.17.0.1 map[]}]} 2026-11-21 08:55:06.762059348 +0000 UTC",
  ],
  [NETWORK, "{{json .IPAM.Config}}", '[{"Subnet":"172.17.0.0/16","Gateway":"172.17.0.1"}]'],
];
for (const [object, template, text] of INSPECTED)
  test(template, () => {
    if (text) expect(compileInspectTemplate(template)(object)).toBe(text);
    else expect(() => compileInspectTemplate(template)(object)).toThrow(TemplateError);
  });

test("a field of a text is an error in the words for raw JSON", () => {
  expect(() => compileInspectTemplate("{{.HostConfig.NetworkMode.Foo}}")(CONTAINER)).toThrow(
    "at <.HostConfig.NetworkMode.Foo>: can't evaluate field Foo in type interface {}",
  );
});

test("info has all its fields, and says what it hasn't", () => {
  const info = {
    Runtimes: { runc: { path: "runc", status: { a: "b" } } },
    Swarm: { LocalNodeState: "inactive", RemoteManagers: null },
    ClientInfo: { Debug: false, Version: "1", Context: "default", Plugins: [], Warnings: null },
  };
  const show = (template: string) => compileTemplate(template)(asGoStructures(info, "DockerInfo"));
  expect(show("{{.ServerErrors}}|{{.DefaultAddressPools}}|{{.ProductLicense}}")).toBe("[]|[]|");
  expect(show("{{.Runtimes}}")).toBe("map[runc:{{runc []  map[]} map[a:b]}]");
  expect(show("{{.Swarm}}")).toBe("{  inactive false  [] 0 0 <nil> []}");
  expect(show("{{.ClientInfo}}")).toBe("{false {<nil> 1        default} [] []}");
  expect(() => show("{{.CpuCfsQuota}}")).toThrow(
    "can't evaluate field CpuCfsQuota in type system.dockerInfo",
  );
});

test("version's components have maps of details", () => {
  const version = {
    Client: { ApiVersion: "1.51" },
    Server: { Components: [{ Name: "E", Version: "1", Details: { b: "2", a: "1" } }] },
  };
  const show = (template: string) => compileTemplate(template)(asGoStructures(version, "VersionInfo"));
  expect(show("{{.Server.Components}} {{.Client.APIVersion}}")).toBe("[{E 1 map[a:1 b:2]}] 1.51");
  expect(() => show("{{.Server.ApiVersion}}")).toThrow(
    "can't evaluate field ApiVersion in type *types.Version",
  );
  expect(() => compileTemplate("{{", { name: "version" })).toThrow("template: version:1: unclosed action");
});
