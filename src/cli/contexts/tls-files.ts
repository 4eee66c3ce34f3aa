// Certificates and keys of a daemon's clients as PEM files: read, and looked at before anything is kept or sent.
// The words for what is wrong are those of Go's crypto/tls, which Docker's users see.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { TlsMaterial } from "../../sdk/index.ts";
import { reason } from "../container-options/key-values.ts";

/** Reads a file that somebody named. Throws `open PATH: no such file or directory`. */
export async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    throw new Error(`open ${path}: ${reason(thrown)}`);
  }
}

const blocks = (pem: string): string[] =>
  [...pem.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g)].map(([, kind = ""]) => kind);

/** Throws where a client could not be made of them. A certificate without its key (or the other way) is none. */
export function checkTls({ ca, cert, key }: TlsMaterial): void {
  if (ca !== undefined && !blocks(ca).includes("CERTIFICATE")) {
    throw new Error("failed to retrieve context tls info: ca.pem seems invalid");
  }
  if (cert === undefined || key === undefined) return;
  if (blocks(key).length === 0) throw new Error("no valid private key found");
  if (/^Proc-Type: 4,ENCRYPTED/m.test(key)) {
    throw new Error(
      "private key is encrypted - support for encrypted private keys has been removed, see https://docs.docker.com/go/deprecated/",
    );
  }
  const problem = pairProblem(cert, key);
  if (problem) throw new Error(`failed to retrieve context tls info: tls: ${problem}`);
}

function pairProblem(cert: string, key: string): string | undefined {
  const certBlocks = blocks(cert);
  if (certBlocks.length === 0) return "failed to find any PEM data in certificate input";
  if (!certBlocks.includes("CERTIFICATE")) {
    return certBlocks.length === 1 && certBlocks[0]?.endsWith("PRIVATE KEY")
      ? "failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched"
      : `failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [${certBlocks.join(" ")}]`;
  }
  const keyBlocks = blocks(key);
  if (!keyBlocks.some((kind) => kind.endsWith("PRIVATE KEY"))) {
    return keyBlocks.length === 1 && keyBlocks[0] === "CERTIFICATE"
      ? "found a certificate rather than a key in the PEM for the private key"
      : `failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [${keyBlocks.join(" ")}]`;
  }
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(cert);
  } catch {
    return "failed to parse certificate";
  }
  try {
    return certificate.checkPrivateKey(createPrivateKey(key))
      ? undefined
      : "private key does not match public key";
  } catch {
    return "failed to parse private key";
  }
}
