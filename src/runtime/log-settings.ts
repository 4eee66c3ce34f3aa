// What a shim is told of its container's log: read from options, labels and names by the daemon, so that the shim only writes.

export interface FileLogSettings {
  path: string;
  /** Bytes after which a new file begins; absent: never. */
  maxSize?: number;
  maxFiles: number;
  compress: boolean;
}

export interface JsonFileSettings extends FileLogSettings {
  driver: "json-file";
  /** What the options labels, env and tag make of the container: each entry's `attrs`. */
  attributes?: Record<string, string>;
}

export interface LocalSettings extends FileLogSettings {
  driver: "local";
}

export interface SyslogSettings {
  driver: "syslog";
  /** `tcp 127.0.0.1:514`, for the words of a failure; absent: the host's own syslog, wherever it listens. */
  network?: string;
  peer:
    | { kind: "unix"; path: string; datagram: boolean }
    | { kind: "inet"; address: string; port: number; datagram: boolean };
  /** 0 to 23. */
  facility: number;
  format: "" | "rfc3164" | "rfc5424" | "rfc5424micro";
  tag: string;
  /** Bytes that may wait for the server in non-blocking mode. */
  buffer?: number;
  /** Where `logs` reads what the server got. */
  cache?: FileLogSettings;
}

export interface JournaldSettings {
  driver: "journald";
  /** CONTAINER_ID and its kin, SYSLOG_IDENTIFIER, and the attributes. */
  fields: Record<string, string>;
  buffer?: number;
}

export type LogSettings =
  | { driver: "none" }
  | JsonFileSettings
  | LocalSettings
  | SyslogSettings
  | JournaldSettings;
