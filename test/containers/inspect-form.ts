// Answers of inspect and list in a form in which two daemons' can be laid side by side: what differs from container to
// container, or from host to host, becomes a word. Fields keep their order.
type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** @param ids the container's, then its owner's */
export function inspectForm(answer: unknown, ids: string[]): Json {
  return form(JSON.parse(JSON.stringify(answer ?? null)) as Json, "", ids);
}

function form(value: Json, key: string, ids: string[]): Json {
  if (Array.isArray(value)) {
    const items = value.map((item) => form(item, "", ids));
    // Docker's order is that of a map in Go: none.
    if (key === "Mounts") return items.sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
    // Some processors have these, others don't.
    return key === "MaskedPaths" ? items.filter((item) => !String(item).endsWith("thermal_throttle")) : items;
  }
  if (value !== null && typeof value === "object")
    return Object.fromEntries(
      Object.entries(value).map(([name, part]) => [text(name, "", ids), form(part, name, ids)]),
    );
  if (typeof value === "number") return figure(value, key);
  if (typeof value === "string") return text(value, key, ids);
  // Only cgroup version 1 has it.
  return key === "OomKillDisable" && value === null ? false : value;
}

const placeOf = (mount: Json): string => {
  const place = mount as { Destination?: string; Target?: string };
  return place.Destination ?? place.Target ?? "";
};

/** Figures that say something of the moment or the host: only whether there is one. */
const FIGURES = new Set([
  "Pid",
  "SizeRw",
  "SizeRootFs",
  "size",
  "Size",
  "Created",
  "IPPrefixLen",
  "PublicPort",
]);

const figure = (value: number, key: string): Json => (FIGURES.has(key) && value !== 0 ? key : value);

const ADDRESSES = new Set(["IPAddress", "Gateway"]);

function text(value: string, key: string, ids: string[]): string {
  if (value === "") return value;
  if (ADDRESSES.has(key)) return key;
  if (key === "MacAddress" && !value.startsWith("02:42:")) return "MAC";
  // With us, that of its container.
  if (key === "SandboxID") return "SANDBOX";
  if (key === "SandboxKey") return value.endsWith("/default") ? "NETNS of the host" : "NETNS";
  if (key === "Runtime") return "RUNTIME";
  if (key === "HostPort" && Number(value) >= 1024) return "PORT";
  if (key === "Bridge") return "";
  if (key === "ResolvConfPath" || key === "HostsPath" || key === "HostnamePath" || key === "LogPath")
    return words(value.slice(Math.max(0, value.indexOf("/containers/"))), ids);
  if (key === "Source" && value.endsWith("/_data"))
    return words(value.slice(value.indexOf("/volumes/")), ids);
  return words(value, ids);
}

function words(value: string, [own = "", owner = "none"]: string[]): string {
  return value
    .replaceAll(own, "ID")
    .replaceAll(owner, "OWNER")
    .replaceAll(own.slice(0, 12), "SHORT-ID")
    .replaceAll(owner.slice(0, 12), "OWNER-SHORT-ID")
    .replace(/\b[0-9a-f]{64}\b/g, "HEX64")
    .replace(/\b(?!0001)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "TIME")
    .replace(/(Less than a|\d+) seconds?/, "SECONDS");
}
