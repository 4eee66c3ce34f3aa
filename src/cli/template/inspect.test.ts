import { expect, test } from "bun:test";
import container from "../../base/template/cases/container.json";
import { compileInspectTemplate } from "./inspect.ts";

// Left: what was given to `docker inspect --format` for the container of cases/container.json; right: what it printed.
const PRINTED: [template: string, output: string][] = [
  ["{{.State}}", "{running true false false false false PID 0  STARTED 0001-01-01T00:00:00Z <nil>}"],
  ["{{.Config.Cmd}}", "[sleep 600]"],
  ["{{.Config.Entrypoint}}", "[]"],
  ["{{.HostConfig.Binds}}", "[/tmp:/mnt:ro]"],
  ["{{.HostConfig.CapAdd}}", "[]"],
  ["{{.HostConfig.LogConfig}}", "{json-file map[]}"],
  ["{{.HostConfig.RestartPolicy}}", "{no 0}"],
  ["{{.Mounts}}", "[{bind  /tmp /mnt  ro false rprivate}]"],
  ["{{.Config.Labels}}", "map[a:1]"],
  ["{{.HostConfig.Devices}}", "[]"],
  ["{{.State.Health}}", "<nil>"],
  ["{{.Config.ExposedPorts}}", "map[80/tcp:{}]"],
  ["{{.Config.Volumes}}", "map[]"],
  ["{{.GraphDriver}}", "{map[] overlayfs}"],
  ["{{.HostConfig.PortBindings}}", "map[80/tcp:[{127.0.0.1 }]]"],
  ["{{.Config.OnBuild}}", "[]"],
  ["{{.HostConfig.OomKillDisable}}", "false"],
  ["{{.HostConfig.PidsLimit}}", "<nil>"],
  ["{{.HostConfig.Memory}}", "0"],
  ["{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}", "none"],
  [
    "{{.Config}}",
    "{SHORT   false false false map[80/tcp:{}] false false false [X=1 PATH=/bin] [sleep 600] <nil> false containers-bb:1 map[]  [] false  [] map[a:1]  <nil> []}",
  ],
];

for (const [template, output] of PRINTED)
  test(template, () => {
    const want = output
      .replace("PID", String(container.State.Pid))
      .replace("STARTED", container.State.StartedAt)
      .replace("SHORT", container.Id.slice(0, 12));
    expect(compileInspectTemplate(template)(container)).toBe(want);
  });

test("what neither the structure nor the JSON has is an error in the words of the second", () => {
  for (const [template, key] of [
    ["{{.State.Nope}}", "Nope"],
    ["{{.Nope.X}}", "Nope"],
    ["{{.State.Health.Status}}", "Health"],
  ])
    expect(() => compileInspectTemplate(template!)(container)).toThrow(`map has no entry for key "${key}"`);
});
