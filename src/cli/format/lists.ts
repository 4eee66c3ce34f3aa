// What `--format` can name of each kind of thing that the client lists, and the tables they make by default
// (docs.docker.com/engine/cli/formatting). One function a kind: the API's objects in, rows out.

import { Stringer } from "../../base/template/values.ts";
import type { ContainerSummary, HistoryEntry, ImageSummary, Network, Port, Volume } from "../../sdk/index.ts";
import { familiar } from "../reference.ts";
import { type Row, row } from "./rows.ts";
import { ago, ellipsis, goQuote, goStamp, goTime, humanSize, shortId } from "./units.ts";

/** How a list is to be shown. */
export interface ListStyle {
  truncate: boolean;
}

const labelText = (labels: Record<string, string> | undefined | null): string =>
  Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(",");

const label = (labels: Record<string, string> | undefined | null) => ({
  Label: (name: string) => labels?.[name] ?? "",
});

export const CONTAINERS = {
  raw: "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\ncreated_at: {{.CreatedAt}}\nstate: {{- pad .State 1 0}}\nstatus: {{- pad .Status 1 0}}\nnames: {{.Names}}\nlabels: {{- pad .Labels 1 0}}\nports: {{- pad .Ports 1 0}}\n",
  rawQuiet: "container_id: {{.ID}}",
  table: "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}",
  headers: {
    ID: "CONTAINER ID",
    Names: "NAMES",
    Image: "IMAGE",
    Command: "COMMAND",
    CreatedAt: "CREATED AT",
    RunningFor: "CREATED",
    Ports: "PORTS",
    State: "STATE",
    Status: "STATUS",
    Size: "SIZE",
    Labels: "LABELS",
    Mounts: "MOUNTS",
    LocalVolumes: "LOCAL VOLUMES",
    Networks: "NETWORKS",
    Platform: "PLATFORM",
  },
};

export function containerRow(one: ContainerSummary, { truncate }: ListStyle): Row {
  const created = one.Created ?? 0;
  return row(
    "*formatter.ContainerContext",
    {
      ID: () => (truncate ? shortId(one.Id ?? "") : one.Id),
      Names: () => names(one.Names ?? [], truncate),
      Image: () => imageOf(one, truncate),
      Command: () => goQuote(truncate ? ellipsis(one.Command ?? "", 20) : (one.Command ?? "")),
      CreatedAt: () => goTime(created),
      RunningFor: () => ago(created),
      Ports: () => ports(one.Ports ?? []),
      State: () => one.State ?? "",
      Status: () => one.Status ?? "",
      Size: () => {
        const own = humanSize(one.SizeRw ?? 0, 3);
        return one.SizeRootFs ? `${own} (virtual ${humanSize(one.SizeRootFs, 3)})` : own;
      },
      Labels: () => labelText(one.Labels),
      Mounts: () =>
        (one.Mounts ?? [])
          .map((mount) => mount.Name || mount.Source || "")
          .map((name) => (truncate ? ellipsis(name, 15) : name))
          .join(","),
      LocalVolumes: () => String((one.Mounts ?? []).filter(({ Driver }) => Driver === "local").length),
      Networks: () => Object.keys(one.NetworkSettings?.Networks ?? {}).join(","),
      Platform: () => platformText(one.ImageManifestDescriptor?.platform),
    },
    label(one.Labels),
  );
}

function platformText(platform: { os?: string; architecture?: string; variant?: string } | null | undefined) {
  if (!platform) return null;
  const { architecture, os, variant } = platform;
  // In JSON an object, elsewhere a text.
  return new Stringer([os, architecture, variant].filter(Boolean).join("/"), platform);
}

/** Without their slash; of several (links), the container's own where there is room for one. */
function names(all: string[], truncate: boolean): string {
  const bare = all.map((name) => name.slice(1));
  const own = truncate ? bare.find((name) => !name.includes("/")) : undefined;
  return own ?? bare.join(",");
}

function imageOf(one: ContainerSummary, truncate: boolean): string {
  const name = one.Image || "<no image>";
  if (!truncate || !one.Image) return name;
  const short = shortId(one.ImageID ?? "");
  if (short && short === shortId(name)) return short;
  const at = name.indexOf("@");
  return at < 0 ? name : familiar(name.slice(0, at));
}

/** Ports with neighbours joined: `0.0.0.0:8080->80/tcp, 9000-9002/udp`. */
export function ports(all: Port[]): string {
  const sorted = [...all].sort(
    (a, b) =>
      a.PrivatePort - b.PrivatePort ||
      compare(a.IP ?? "", b.IP ?? "") ||
      (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
      compare(a.Type, b.Type),
  );
  const done: string[] = [];
  const mapped: string[] = [];
  const runs = new Map<string, { ip: string; type: string; first: number; last: number }>();
  for (const port of sorted) {
    const current = port.PrivatePort;
    if (port.IP && port.PublicPort !== current) {
      mapped.push(`${hostPort(port.IP, String(port.PublicPort))}->${current}/${port.Type}`);
      continue;
    }
    const key = `${port.IP ?? ""}/${port.Type}`;
    const run = runs.get(key);
    if (run && current === run.last + 1) run.last = current;
    else {
      if (run) done.push(runText(run));
      const fresh = { ip: port.IP ?? "", type: port.Type, first: current, last: current };
      if (run) Object.assign(run, fresh);
      else runs.set(key, fresh);
    }
  }
  return [...done, ...[...runs.values()].map(runText), ...mapped].join(", ");
}

function runText({
  ip,
  type,
  first,
  last,
}: {
  ip: string;
  type: string;
  first: number;
  last: number;
}): string {
  const range = first === last ? String(first) : `${first}-${last}`;
  return `${ip ? `${hostPort(ip, range)}->` : ""}${range}/${type}`;
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
/** An address with its port; IPv6 in brackets. */
export const hostPort = (ip: string, port: string) =>
  ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;

export const IMAGES = {
  raw: "repository: {{.Repository}}\ntag: {{.Tag}}\nimage_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n",
  rawWithDigests:
    "repository: {{.Repository}}\ntag: {{.Tag}}\ndigest: {{.Digest}}\nimage_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n",
  rawQuiet: "image_id: {{.ID}}",
  table: "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
  tableWithDigests: "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
  headers: {
    ID: "IMAGE ID",
    Repository: "REPOSITORY",
    Tag: "TAG",
    Digest: "DIGEST",
    CreatedSince: "CREATED",
    CreatedAt: "CREATED AT",
    Size: "SIZE",
    Containers: "CONTAINERS",
    VirtualSize: "SIZE",
    SharedSize: "SHARED SIZE",
    UniqueSize: "UNIQUE SIZE",
  },
};

interface ImageName {
  repository: string;
  tag: string;
  digest: string;
}

const NONE = "<none>";

/** One row a name. `digests`: every digest of a repository has a row of its own. */
export function imageRows(
  one: ImageSummary,
  style: ListStyle & { digests: boolean; showsDigest: boolean },
): Row[] {
  return namesOf(one, style).map((name) => imageRow(one, name, style));
}

function namesOf(
  one: ImageSummary,
  { digests, showsDigest }: { digests: boolean; showsDigest: boolean },
): ImageName[] {
  const tags = (one.RepoTags ?? []).filter((tag) => tag !== "<none>:<none>");
  const repoDigests = (one.RepoDigests ?? []).filter((digest) => digest !== "<none>@<none>");
  if (tags.length === 0 && repoDigests.length === 0) return [{ repository: NONE, tag: NONE, digest: NONE }];
  const tagged = Map.groupBy(
    tags.filter((tag) => !tag.includes("@")).map(splitTag),
    ({ repository }) => repository,
  );
  const digested = Map.groupBy(
    repoDigests.map((text) => ({
      repository: familiar(text.split("@")[0] ?? ""),
      digest: text.split("@")[1] ?? "",
    })),
    ({ repository }) => repository,
  );
  const names: ImageName[] = [];
  for (const [repository, list] of tagged) {
    const known = showsDigest ? (digested.get(repository) ?? []).map(({ digest }) => digest) : [];
    digested.delete(repository);
    for (const { tag } of list) {
      for (const digest of known.length > 0 ? known : [NONE]) names.push({ repository, tag, digest });
    }
  }
  for (const [repository, list] of digested) {
    if (digests) for (const { digest } of list) names.push({ repository, tag: NONE, digest });
    else names.push({ repository, tag: NONE, digest: "" });
  }
  return names;
}

function splitTag(text: string): { repository: string; tag: string } {
  const colon = text.lastIndexOf(":");
  return { repository: familiar(text.slice(0, colon)), tag: text.slice(colon + 1) };
}

/** An image as a whole, by its first tag: what `system df` shows. */
export function wholeImageRow(one: ImageSummary, style: ListStyle): Row {
  const [tag] = (one.RepoTags ?? []).filter((name) => name !== "<none>:<none>");
  return imageRow(one, { ...(tag ? splitTag(tag) : { repository: NONE, tag: NONE }), digest: "" }, style);
}

function imageRow(one: ImageSummary, name: ImageName, { truncate }: ListStyle): Row {
  const known = (size: number | undefined) => size !== undefined && size !== -1;
  return row("*formatter.imageContext", {
    ID: () => (truncate ? shortId(one.Id) : one.Id),
    Repository: () => name.repository,
    Tag: () => name.tag,
    Digest: () => name.digest,
    CreatedSince: () => ago(one.Created),
    CreatedAt: () => goTime(one.Created),
    Size: () => humanSize(one.Size, 3),
    VirtualSize: () => humanSize(one.Size),
    Containers: () => (known(one.Containers) ? String(one.Containers) : "N/A"),
    SharedSize: () => (known(one.SharedSize) ? humanSize(one.SharedSize) : "N/A"),
    UniqueSize: () =>
      known(one.SharedSize) && known(one.Size) ? humanSize(one.Size - one.SharedSize) : "N/A",
  });
}

export const HISTORY = {
  table: "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
  tableNotHuman: "{{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
  headers: {
    ID: "IMAGE",
    CreatedSince: "CREATED",
    CreatedAt: "CREATED AT",
    CreatedBy: "CREATED BY",
    Size: "SIZE",
    Comment: "COMMENT",
  },
};

/** Times before it are nobody's: reproducible builds write 1970. */
const YEAR_2000 = 946_684_800;

export function historyRow(one: HistoryEntry, { truncate, human }: ListStyle & { human: boolean }): Row {
  const createdAt = () => new Date(one.Created * 1000).toISOString().replace(".000Z", "Z");
  return row("*image.historyContext", {
    ID: () => (truncate ? shortId(one.Id) : one.Id),
    CreatedAt: createdAt,
    CreatedSince: () => (human ? (one.Created <= YEAR_2000 ? "N/A" : ago(one.Created)) : createdAt()),
    CreatedBy: () => {
      const text = one.CreatedBy.replaceAll("\t", " ");
      return truncate ? ellipsis(text, 45) : text;
    },
    Size: () => (human ? humanSize(one.Size, 3) : String(one.Size)),
    Comment: () => one.Comment,
  });
}

export const VOLUMES = {
  raw: "name: {{.Name}}\ndriver: {{.Driver}}\n",
  rawQuiet: "name: {{.Name}}",
  table: "{{.Driver}}\t{{.Name}}",
  sizeTable: "{{.Driver}}\t{{.Name}}\t{{.Size}}\t{{.Containers}}",
  headers: {
    Name: "VOLUME NAME",
    Containers: "CONTAINERS",
    Group: "GROUP",
    Driver: "DRIVER",
    Scope: "SCOPE",
    Availability: "AVAILABILITY",
    Mountpoint: "MOUNTPOINT",
    Labels: "LABELS",
    Links: "LINKS",
    Size: "SIZE",
    Status: "STATUS",
  },
};

export function volumeRow(one: Volume & { UsedBy?: string[] }): Row {
  return row(
    "*formatter.volumeContext",
    {
      Name: () => one.Name,
      Driver: () => one.Driver,
      Scope: () => one.Scope,
      Mountpoint: () => one.Mountpoint,
      Labels: () => labelText(one.Labels),
      Links: () => (one.UsageData ? String(one.UsageData.RefCount) : "N/A"),
      Size: () => (one.UsageData && one.UsageData.Size >= 0 ? humanSize(one.UsageData.Size) : "N/A"),
      ...(one.UsedBy && { Containers: () => one.UsedBy?.join(",") ?? "" }),
      Group: () => one.ClusterVolume?.Spec?.Group ?? "N/A",
      Availability: () => one.ClusterVolume?.Spec?.AccessMode?.Availability ?? "N/A",
      Status: () => "N/A",
    },
    label(one.Labels),
  );
}

export const NETWORKS = {
  raw: "network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n",
  rawQuiet: "network_id: {{.ID}}",
  table: "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
  headers: {
    ID: "NETWORK ID",
    Name: "NAME",
    Driver: "DRIVER",
    Scope: "SCOPE",
    IPv4: "IPV4",
    IPv6: "IPV6",
    Internal: "INTERNAL",
    Labels: "LABELS",
    CreatedAt: "CREATED AT",
  },
};

export function networkRow(one: Network, { truncate }: ListStyle): Row {
  return row(
    "*network.networkContext",
    {
      ID: () => (truncate ? shortId(one.Id ?? "") : one.Id),
      Name: () => one.Name ?? "",
      Driver: () => one.Driver ?? "",
      Scope: () => one.Scope ?? "",
      IPv4: () => String(one.EnableIPv4 ?? false),
      IPv6: () => String(one.EnableIPv6 ?? false),
      Internal: () => String(one.Internal ?? false),
      Labels: () => labelText(one.Labels),
      CreatedAt: () => goStamp(one.Created ?? ""),
    },
    label(one.Labels),
  );
}
