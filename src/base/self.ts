// How this program starts itself in another role: the compiled file is its own command, the sources need Bun.

const compiled = import.meta.path.startsWith("/$bunfs/");

/** The command line that starts `role` of this same build. */
export function selfCommand(role: "daemon" | "shim" | "worker", ...args: string[]): [string, ...string[]] {
  const built = process.env.BERTH_BINARY;
  if (compiled) return [process.execPath, role, ...args];
  if (built) return [built, role, ...args];
  return [process.execPath, new URL("../main.ts", import.meta.url).pathname, role, ...args];
}
