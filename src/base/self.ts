// How this program starts itself in another role: the compiled file is its own command, the sources need Bun.

const compiled = import.meta.path.startsWith("/$bunfs/");
/** Read at the start: when the file is replaced by another release's, the kernel's name of it is no path any more. */
const program = process.execPath;

/** The command line that starts `role` of this same build. */
export function selfCommand(role: "daemon" | "shim" | "worker", ...args: string[]): [string, ...string[]] {
  const built = process.env.BERTH_BINARY;
  if (compiled) return [program, role, ...args];
  if (built) return [built, role, ...args];
  return [program, new URL("../main.ts", import.meta.url).pathname, role, ...args];
}

/**
 * The same for Bun.spawn itself, with no program between that would be "self": of this very build also when its file was replaced
 * or removed while this process runs.
 */
export function selfProcess(role: "shim", ...args: string[]): { cmd: [string, ...string[]]; argv0: string } {
  const [path, ...rest] = selfCommand(role, ...args);
  return { cmd: [compiled ? "/proc/self/exe" : path, ...rest], argv0: path };
}
