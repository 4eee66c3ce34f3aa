// Signals that reach the client while a container runs in its foreground: passed on (`--sig-proxy`), or taken.
import type { Client } from "../../sdk/index.ts";

/** All that can be caught but those of our own doing: children, broken pipes, the window's size, job control's resume. */
const PASSED_ON = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGTERM",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGVTALRM",
  "SIGTSTP",
  "SIGTTIN",
  "SIGTTOU",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGIO",
  "SIGPWR",
] as const;

/** After that many requests to end, the client ends whatever the container does. */
const PATIENCE = 3;

/** Passes signals on to the container until the returned function is called. */
export function passSignalsOn(client: Client, id: string, options: { restore: () => void }): () => void {
  let endings = 0;
  const handlers = PASSED_ON.map((signal) => {
    const handler = () => {
      if (signal === "SIGINT" || signal === "SIGTERM") {
        endings++;
        if (endings > PATIENCE) {
          options.restore();
          process.stderr.write(`\ngot ${PATIENCE} SIGTERM/SIGINTs, forcefully exiting\n`);
          process.exit(1);
        }
      }
      // The container may be gone already, or not there yet: then there is nobody to tell.
      client.containers.kill(id, signal.slice(3)).catch(() => {});
    };
    process.on(signal, handler);
    return [signal, handler] as const;
  });
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Ends the client with 128+n at a signal, after `restore`; used where nothing is passed on. */
export function endAtSignals(restore: () => void): () => void {
  const handlers = Object.entries(NUMBERS).map(([signal, number]) => {
    const handler = () => {
      restore();
      process.exit(128 + number);
    };
    process.on(signal, handler);
    return [signal, handler] as const;
  });
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}
