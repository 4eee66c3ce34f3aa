// Opens an address by what the desktop has for it (pkg/browser's programs on Linux).

const PROGRAMS = ["xdg-open", "x-www-browser", "www-browser"];

/** Throws where there is none. */
export async function openInBrowser(address: string): Promise<void> {
  const program = PROGRAMS.map((name) => Bun.which(name)).find((path) => path !== null);
  if (!program) throw new Error(`exec: "${PROGRAMS.join()}": executable file not found in $PATH`);
  const child = Bun.spawn([program, address], { stdin: "ignore", stdout: "inherit", stderr: "inherit" });
  const code = await child.exited;
  if (code !== 0) throw new Error(`exit status ${code}`);
}
