// The log that a shim's configuration asks for.
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { KernelError } from "../../../linux/errors.ts";
import { spawnProcess } from "../../../linux/process.ts";
import type { FileLogSettings, LogSettings, SyslogSettings } from "../../types.ts";
import type { Children } from "../children.ts";
import type { Reactor } from "../reactor.ts";
import { BothSinks } from "./both.ts";
import { JOURNAL_SOCKET, JournaldSink } from "./journald.ts";
import { JsonFileSink, wholeJsonLines } from "./json-file.ts";
import { LineSplitter } from "./line-splitter.ts";
import { LocalSink, wholeLocalEntries } from "./local.ts";
import { RemoteWriter } from "./remote-writer.ts";
import { RotatingFile } from "./rotating-file.ts";
import { SyslogSink } from "./syslog.ts";
import type { Compressor, ContainerLog, LineSink } from "./types.ts";

/** A driver that can't begin; the message is Docker's. */
export class LogDriverFailure extends Error {}

/** The driver `none`, and the streams of execs. */
export const noLog: ContainerLog = {
  chunk: Number.POSITIVE_INFINITY,
  full: false,
  settled: true,
  onRoom() {},
  write() {},
  end() {},
};

export interface LogHost {
  reactor: Reactor;
  children: Children;
  complain: (message: unknown) => void;
}

/** Errors: LogDriverFailure. */
export function openLog(settings: LogSettings, host: LogHost): ContainerLog {
  if (settings.driver === "none") return noLog;
  return new LineSplitter(sinkOf(settings, host));
}

function sinkOf(settings: Exclude<LogSettings, { driver: "none" }>, host: LogHost): LineSink {
  switch (settings.driver) {
    case "json-file":
      return new JsonFileSink(openFile(settings, host, wholeJsonLines), settings.attributes);
    case "local":
      return new LocalSink(openFile(settings, host, wholeLocalEntries));
    case "syslog":
      return cached(openSyslog(settings, host), settings.cache, host);
    case "journald":
      return openJournald(settings.fields, settings.buffer, host);
  }
}

function cached(driver: LineSink, cache: FileLogSettings | undefined, host: LogHost): LineSink {
  return cache ? new BothSinks(driver, new LocalSink(openFile(cache, host, wholeLocalEntries))) : driver;
}

/** The local driver's files have a folder of their own, as dockerd's. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function openFile(
  settings: FileLogSettings & { driver?: string },
  host: LogHost,
  whole: (fd: number, size: number) => number,
): RotatingFile {
  if (settings.driver === "local") makeFolder(dirname(settings.path));
  return new RotatingFile(settings.path, settings, gzip(host), host.complain, whole);
}

function openSyslog(settings: SyslogSettings, { reactor, complain }: LogHost): LineSink {
  const { peer, buffer, network } = settings;
  const open = (at: SyslogSettings["peer"]) =>
    new SyslogSink({ ...settings, peer: at }, new RemoteWriter(reactor, at, buffer, complain));
  if (network !== undefined) {
    try {
      return open(peer);
    } catch (error) {
      throw new LogDriverFailure(`dial ${network}: ${(error as Error).message}`);
    }
  }
  // The host's own: as srslog looks for it.
  for (const datagram of [true, false])
    for (const path of ["/dev/log", "/var/run/syslog", "/var/run/log"]) {
      try {
        return open({ kind: "unix", path, datagram });
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
      }
    }
  throw new LogDriverFailure("Unix syslog delivery error");
}

function openJournald(
  fields: Record<string, string>,
  buffer: number | undefined,
  { reactor, complain }: LogHost,
): LineSink {
  const peer = { kind: "unix", path: JOURNAL_SOCKET, datagram: true } as const;
  try {
    return new JournaldSink(fields, new RemoteWriter(reactor, peer, buffer, complain));
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    throw new LogDriverFailure("journald is not enabled on this host");
  }
}

/** Compression in a process of its own, which gives its memory back. */
function gzip({ children, complain }: LogHost): Compressor {
  return {
    start(path, done) {
      try {
        const pid = spawnProcess({
          path: "/usr/bin/gzip",
          args: ["--force", path],
          env: [],
          stdio: ["null", "null", "null"],
        });
        children.track(pid, done);
        return true;
      } catch (error) {
        // The file stays as it is; the log goes on.
        complain(error);
        return false;
      }
    },
  };
}
