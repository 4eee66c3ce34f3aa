// Certificates for registries: certs.d/HOST/ca.crt, client.cert and client.key, as Docker lays them out
// (docs.docker.com, "Verify repository client with certificates"), beside what the system trusts.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { invalid } from "../base/errors.ts";

export interface TlsFiles {
  ca: string[];
  /** Client certificate and its key, PEM. */
  cert?: string;
  key?: string;
}

const FOLDERS = ["/etc/berth/certs.d", "/etc/docker/certs.d"];
/** Where distributions keep the bundle; Go looks at the same places (crypto/x509/root_linux.go). */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

let systemBundle: Promise<string | undefined> | undefined;

/** The system's own authorities; undefined (Bun's built-in list) where there is no bundle. */
function systemAuthorities(): Promise<string | undefined> {
  systemBundle ??= (async () => {
    for (const path of [process.env.SSL_CERT_FILE, ...SYSTEM_BUNDLES]) {
      const text = path ? await readFile(path, "utf8").catch(() => undefined) : undefined;
      if (text?.includes("BEGIN CERTIFICATE")) return text;
    }
    return undefined;
  })();
  return systemBundle;
}

/**
 * What to trust and to show at `host` (`registry.example:5000`). Errors: invalid for a client certificate
 * without its key.
 */
export async function certificatesFor(host: string, folders = FOLDERS): Promise<TlsFiles> {
  const ca: string[] = [];
  const found: { cert?: string; key?: string } = {};
  for (const folder of folders.map((root) => join(root, host))) {
    const names = await readdir(folder).catch(() => [] as string[]);
    for (const name of names.sort()) {
      if (name.endsWith(".crt")) ca.push(await readFile(join(folder, name), "utf8"));
      if (!name.endsWith(".cert") || found.cert) continue;
      const key = `${name.slice(0, -".cert".length)}.key`;
      if (!names.includes(key))
        throw invalid(
          `missing key ${key} for client certificate ${name}. CA certificates must use the extension .crt`,
        );
      found.cert = await readFile(join(folder, name), "utf8");
      found.key = await readFile(join(folder, key), "utf8");
    }
  }
  const system = await systemAuthorities();
  return { ca: system ? [system, ...ca] : ca, ...found };
}
