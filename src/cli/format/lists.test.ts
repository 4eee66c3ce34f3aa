import { expect, test } from "bun:test";
import type { ContainerSummary, ImageSummary } from "../../sdk/index.ts";
import { CONTAINERS, containerRow, IMAGES, imageRows, ports, wholeImageRow } from "./lists.ts";
import { naturally } from "./natural-order.ts";
import { renderRows } from "./rows.ts";
import { goStamp, goTime } from "./units.ts";

const style = { truncate: true };

test("ports: neighbours joined, mapped ones last", () => {
  const tcp = (PrivatePort: number, PublicPort?: number, IP?: string) => ({
    PrivatePort,
    PublicPort,
    IP,
    Type: "tcp" as const,
  });
  const cases: [input: Parameters<typeof ports>[0], text: string][] = [
    [[tcp(9988)], "9988/tcp"],
    [[tcp(9988), tcp(9989), tcp(9991)], "9988-9989/tcp, 9991/tcp"],
    [[tcp(80, 8080, "0.0.0.0"), tcp(80, 8080, "::")], "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"],
    [[tcp(80, 80, "0.0.0.0"), tcp(81, 81, "0.0.0.0")], "0.0.0.0:80-81->80-81/tcp"],
    [[tcp(80), tcp(90, 1, "1.2.3.4"), { PrivatePort: 53, Type: "udp" }], "53/udp, 80/tcp, 1.2.3.4:1->90/tcp"],
    [[], ""],
  ];
  for (const [input, text] of cases) expect(ports(input)).toBe(text);
});

const container: ContainerSummary = {
  Id: "1".repeat(64),
  Names: ["/other/alias", "/web"],
  Image: "docker.io/library/busybox:1@sha256:00",
  ImageID: `sha256:${"2".repeat(64)}`,
  Command: `sh -c "echo a long command"`,
  Created: Math.trunc(Date.now() / 1000) - 300,
  Status: "Up 5 minutes",
  State: "running",
  Labels: { b: "2", a: "1" },
  Mounts: [{ Name: "a-volume-with-a-long-name", Driver: "local" }, { Source: "/short" }],
};

const rendered = (format: string, table = CONTAINERS.table) =>
  renderRows({ format, table, headers: CONTAINERS.headers, rows: [containerRow(container, style)] });

test("the table of containers", async () => {
  expect(await rendered("")).toBe(
    'CONTAINER ID   IMAGE       COMMAND                   CREATED         STATUS         PORTS     NAMES\n111111111111   busybox:1   "sh -c \\"echo a long …"   5 minutes ago   Up 5 minutes             web\n',
  );
});

test("templates, with functions and methods, and their headings", async () => {
  expect(await rendered("{{.ID}}\\t{{.Names}}")).toBe("111111111111\tweb\n");
  expect(await rendered('{{upper .Names}} {{.Label "a"}} {{.Label "z"}}|')).toBe("WEB 1 |\n");
  expect(await rendered("table {{lower .Names}}\\t{{.Labels}}")).toBe(
    "NAMES     LABELS\nweb       a=1,b=2\n",
  );
  expect(await rendered("{{.Mounts}} {{.LocalVolumes}}")).toBe("a-volume-with-…,/short 1\n");
  expect(Object.keys(JSON.parse(await rendered("json")))).toEqual(Object.keys(CONTAINERS.headers).sort());
  await expect(rendered("{{.Nosuch}}")).rejects.toThrow(
    'template parsing error: template: :1:2: executing "" at <.Nosuch>: can\'t evaluate field Nosuch in type *formatter.ContainerContext',
  );
  await expect(rendered("{{upper .Nosuch}}")).rejects.toThrow(
    "can't evaluate field Nosuch in type *formatter.ContainerContext",
  );
});

test("an image has a row for each of its names", async () => {
  const digest = `sha256:${"3".repeat(64)}`;
  const image = {
    Id: digest,
    RepoTags: ["docker.io/library/busybox:1", "docker.io/library/busybox:2", "localhost:5000/b:1"],
    RepoDigests: [`docker.io/library/busybox@${digest}`, `quay.io/c@${digest}`],
    Created: 0,
    Size: 3_071_330,
    SharedSize: -1,
    Containers: -1,
  } as unknown as ImageSummary;
  const show = (digests: boolean) =>
    renderRows({
      format: "{{.Repository}} {{.Tag}} {{.Digest}}",
      table: "",
      headers: IMAGES.headers,
      rows: imageRows(image, { ...style, digests, showsDigest: digests }),
    });
  expect(await show(false)).toBe(
    "busybox 1 <none>\nbusybox 2 <none>\nlocalhost:5000/b 1 <none>\nquay.io/c <none> \n",
  );
  expect(await show(true)).toBe(
    `busybox 1 ${digest}\nbusybox 2 ${digest}\nlocalhost:5000/b 1 <none>\nquay.io/c <none> ${digest}\n`,
  );
  const nameless = { ...image, RepoTags: ["<none>:<none>"], RepoDigests: ["<none>@<none>"] };
  expect(imageRows(nameless, { ...style, digests: false, showsDigest: false })).toHaveLength(1);
});

test("times as Go prints them", () => {
  expect(goStamp("2026-11-21T09:10:07.123456Z")).toBe("2026-11-21 09:10:07.123456 +0000 UTC");
  expect(goStamp("2026-11-21T09:10:00Z")).toBe("2026-11-21 09:10:00 +0000 UTC");
  expect(goStamp("2026-11-21T09:10:00.500+01:00")).toBe("2026-11-21 09:10:00.5 +0100 +0100");
  expect(goTime(0)).toMatch(/^19(69|70)-\d\d-\d\d \d\d:\d\d:00 [+-]\d{4} \S+$/);
});

test("names in the order in which people count", () => {
  expect(["net10", "net2", "net1", "a", "net02"].sort(naturally)).toEqual([
    "a",
    "net1",
    "net2",
    "net02",
    "net10",
  ]);
});

test("raw: key and value, nothing after the colon where there is no value", async () => {
  const text = await rendered(CONTAINERS.raw);
  expect(text).toContain("\nstate: running\nstatus: Up 5 minutes\nnames: web\nlabels: a=1,b=2\nports:\n");
});

test("an image as a whole goes by its first tag and shows no digest", async () => {
  const image = {
    Id: "sha256:1",
    RepoTags: ["b:2", "a:1"],
    RepoDigests: ["b@sha256:1"],
    Size: 1,
    Created: 0,
  };
  const shown = async (one: object) =>
    renderRows({
      format: "{{.Repository}}|{{.Tag}}|{{.Digest}}",
      table: "",
      headers: {},
      rows: [wholeImageRow(one as ImageSummary, style)],
    });
  expect(await shown(image)).toBe("b|2|\n");
  expect(await shown({ ...image, RepoTags: [] })).toBe("<none>|<none>|\n");
});
