// Which texts are addresses that the daemon fetches, and which of them are git repositories (BuildKit util/gitutil,
// frontend/dockerfile/dfgitutil).

const GIT_SCHEMES = new Set(["http", "https", "ssh", "git"]);

export const isHttpAddress = (text: string): boolean => /^https?:\/\//.test(text);

/** `git@host:path`, with the user optional before a name that could be a host. */
const SCP_STYLE = /^(?:[a-zA-Z0-9_-]+@)?[a-zA-Z0-9._-]+:[^:]*?(?:\?[^#]*)?(?:#.*)?$/;

interface GitAddress {
  ssh: boolean;
  query: boolean;
}

/** What a git address says; undefined for what is none. HTTP's are git's only with `.git` at the end of their path. */
export function parseGitAddress(text: string): GitAddress | undefined {
  if (/^\.\.?\//.test(text)) return undefined;
  if (text.startsWith("github.com/")) return { ssh: false, query: false };
  const scheme = /^([a-zA-Z0-9]+):\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    const remote = SCP_STYLE.test(text) && text.includes("@");
    return remote ? { ssh: true, query: /\?[^#]*=?/.test(text.split("#")[0] ?? "") } : undefined;
  }
  if (!GIT_SCHEMES.has(scheme) || !URL.canParse(text)) return undefined;
  const { pathname, search } = new URL(text);
  if (scheme.startsWith("http") && !pathname.endsWith(".git")) return undefined;
  return { ssh: scheme === "ssh", query: search.length > 1 };
}

/** What is fetched by the daemon, not found on this host. */
export const isRemoteAddress = (text: string): boolean =>
  isHttpAddress(text) || parseGitAddress(text) !== undefined;
