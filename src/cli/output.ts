// Standard output and standard error. Bun's file sinks: `process.stdout` would cost 8 ms of every command's life.
// A reader that is slow holds the writer up (write resolves late); one that is gone ends the program quietly.

export interface Output {
  /** Resolves when there is room for more. */
  write(text: string | Uint8Array): Promise<void>;
  line(text?: string): Promise<void>;
  flush(): Promise<void>;
  readonly fd: 1 | 2;
  isTerminal(): boolean;
}

/** What a program ends with whose reader has gone, as if SIGPIPE had ended it. */
const EXIT_SIGPIPE = 141;

export function openOutput(fd: 1 | 2): Output {
  let sink: Bun.FileSink | undefined;
  let terminal: boolean | undefined;
  const guarded = async (work: () => unknown) => {
    try {
      await work();
    } catch (thrown) {
      if (thrown instanceof Error && "code" in thrown && thrown.code === "EPIPE") process.exit(EXIT_SIGPIPE);
      throw thrown;
    }
  };
  const open = () => {
    sink ??= Bun.file(fd).writer();
    return sink;
  };
  return {
    fd,
    write: (text) =>
      guarded(async () => {
        await open().write(text);
        await open().flush();
      }),
    line(text = "") {
      return this.write(`${text}\n`);
    },
    flush: () => guarded(() => sink?.flush()),
    isTerminal() {
      terminal ??= isTerminal(fd);
      return terminal;
    },
  };
}

/** Whether a descriptor is a terminal. node:tty is loaded for it: commands that only print tables never ask. */
export function isTerminal(fd: number): boolean {
  return (require("node:tty") as typeof import("node:tty")).isatty(fd);
}

/** Columns and rows of the terminal on a descriptor, or undefined where there is none. */
export function terminalSize(fd: number): { columns: number; rows: number } | undefined {
  const { isatty, WriteStream } = require("node:tty") as typeof import("node:tty");
  if (!isatty(fd)) return undefined;
  const [columns, rows] = new WriteStream(fd).getWindowSize();
  return { columns, rows };
}
