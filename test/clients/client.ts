// A command-line client bound to a daemon, for suites that run with Docker's client and ours alike.
import { existsSync, realpathSync } from "node:fs";

export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Client {
  name: string;
  run(...args: string[]): Promise<Result>;
  /** As run, and the exit status must be 0; answers what was printed, without the last line end. */
  ok(...args: string[]): Promise<string>;
  /** With something on standard input. */
  feed(input: string | Uint8Array, ...args: string[]): Promise<Result>;
  /** In a terminal of 24 rows and 80 columns. */
  terminal(...args: string[]): TerminalSession;
  /** In a terminal of 132 columns, which has room for progress bars. */
  wideTerminal(...args: string[]): TerminalSession;
  /** In the background, with its output as it comes. */
  start(...args: string[]): Background;
}

export interface Background extends AsyncDisposable {
  /** Waits until the output so far matches. */
  until(pattern: RegExp): Promise<string>;
  readonly exited: Promise<number>;
  kill(signal: NodeJS.Signals): void;
}

export interface TerminalSession extends Background {
  type(text: string): void;
  resize(columns: number, rows: number): void;
}

/** Milliseconds that a thing may take on a busy machine of two cores. */
const PATIENCE = 20_000;

export function clientOf(
  name: string,
  binary: string,
  host: string,
  config: string,
  options: { patience?: number; env?: Record<string, string> } = {},
): Client {
  const { patience = PATIENCE } = options;
  const env: NodeJS.ProcessEnv = { ...process.env, DOCKER_HOST: host, DOCKER_CONFIG: config };
  Object.assign(env, { TERM: "xterm", NO_COLOR: "1", ...options.env });
  const run = async (input: string | Uint8Array | undefined, args: string[]): Promise<Result> => {
    const child = Bun.spawn([binary, ...args], {
      env,
      stdin: input === undefined ? "ignore" : Buffer.from(input),
      stdout: "pipe",
      stderr: "pipe",
    });
    const limit = setTimeout(() => child.kill("SIGKILL"), patience);
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    clearTimeout(limit);
    return { code, stdout, stderr };
  };
  return {
    name,
    run: (...args) => run(undefined, args),
    feed: (input, ...args) => run(input, args),
    async ok(...args) {
      const { code, stdout, stderr } = await run(undefined, args);
      if (code !== 0) throw new Error(`${name} ${args.join(" ")} ended with ${code}: ${stderr || stdout}`);
      return stdout.replace(/\n$/, "");
    },
    terminal: (...args) => terminal(binary, args, env, 80),
    wideTerminal: (...args) => terminal(binary, args, env, 132),
    start: (...args) => background(binary, args, env),
  };
}

/** Output that comes bit by bit, and somebody who waits for a part of it. */
class Transcript {
  private text = "";
  private readonly waiting = new Set<() => void>();

  add(chunk: Uint8Array): void {
    this.text += new TextDecoder().decode(chunk);
    for (const look of this.waiting) look();
  }

  until(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        this.waiting.delete(look);
        reject(new Error(`${pattern} did not come; so far: ${JSON.stringify(this.text.slice(-2000))}`));
      }, PATIENCE);
      const look = () => {
        if (!pattern.test(this.text)) return;
        clearTimeout(limit);
        this.waiting.delete(look);
        const seen = this.text;
        this.text = "";
        resolve(seen);
      };
      this.waiting.add(look);
      look();
    });
  }
}

function background(binary: string, args: string[], env: NodeJS.ProcessEnv): Background {
  const transcript = new Transcript();
  const child = Bun.spawn([binary, ...args], { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  for (const stream of [child.stdout, child.stderr])
    void (async () => {
      for await (const chunk of stream) transcript.add(chunk);
    })();
  return {
    until: (pattern) => transcript.until(pattern),
    exited: child.exited,
    kill: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

function terminal(binary: string, args: string[], env: NodeJS.ProcessEnv, columns: number): TerminalSession {
  const transcript = new Transcript();
  const child = Bun.spawn([binary, ...args], {
    env,
    terminal: { cols: columns, rows: 24, data: (_, chunk) => transcript.add(chunk) },
  });
  return {
    until: (pattern) => transcript.until(pattern),
    exited: child.exited,
    kill: (signal) => child.kill(signal),
    type: (text) => child.terminal?.write(text),
    resize: (columns, rows) => child.terminal?.resize(columns, rows),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      child.terminal?.close();
    },
  };
}

/** Docker's own client on this machine, if there is one: `docker` may also be a link to berth. */
export function dockerBinary(): string | undefined {
  const found = process.env.BERTH_DOCKER_CLI ?? Bun.which("docker");
  if (!found || !existsSync(found) || /berth/.test(realpathSync(found))) return undefined;
  return found;
}
