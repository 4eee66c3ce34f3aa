// TLS for the daemon's TCP sockets: its own certificate, and with --tlsverify clients' certificates from one authority.
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { messageOf } from "../../base/errors.ts";
import type { DaemonConfig } from "../../engine/types.ts";
import type { TlsFiles } from "../server.ts";

/** Reads the files, so that a mistake stops the start and not the first request. Errors: "invalid TLS configuration: …". */
export function readTlsFiles(tls: DaemonConfig["tls"]): TlsFiles {
  const read = (what: string, path: string | undefined) => {
    try {
      if (!path) throw new Error("no file was given");
      return readFileSync(path);
    } catch (error) {
      throw new Error(
        `invalid TLS configuration: could not read ${what} ${JSON.stringify(path ?? "")}: ${messageOf(error)}`,
      );
    }
  };
  const files: TlsFiles = {
    cert: read("certificate", tls.certificate),
    key: read("key", tls.key),
    ...(tls.verify ? { ca: read("CA certificate", tls.ca) } : {}),
  };
  try {
    createSecureContext(files);
  } catch (error) {
    throw new Error(
      `invalid TLS configuration: ${tls.certificate} and ${tls.key} are not a certificate and its key: ${messageOf(error)}`,
      { cause: error },
    );
  }
  return files;
}
