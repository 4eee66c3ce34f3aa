// Many platforms in few words: those of one architecture together, of the others the number.

const KNOWN = "linux/amd64 linux/arm64 linux/arm linux/ppc64le linux/s390x linux/riscv64 linux/mips64".split(
  " ",
);
const MOST = 4;

/** `linux/amd64 (+4), linux/arm64, (2 more)`. */
export function shortPlatforms(platforms: string[]): string {
  const groups = Map.groupBy(platforms, (platform) => platform.split("/").slice(0, 2).join("/"));
  const known = KNOWN.filter((name) => groups.has(name));
  const others = [...groups.keys()].filter((name) => !KNOWN.includes(name)).sort();
  const shown = [...known, ...others].slice(0, MOST);
  const texts = shown.map((name) => {
    const members = groups.get(name) ?? [];
    return members.length === 1 ? members[0] : `${name} (+${members.length})`;
  });
  const left = platforms.length - shown.reduce((sum, name) => sum + (groups.get(name)?.length ?? 0), 0);
  return [...texts, ...(left > 0 ? [`(${left} more)`] : [])].join(", ");
}
