// Private keys of ssh in files: OpenSSH's own form (PROTOCOL.key in its source) and PEM. What is read is a key that signs.
import { createPrivateKey, type JsonWebKeyInput, type KeyObject, sign } from "node:crypto";
import { blobOf, numberOf, numberOfBytes, textOf, WireReader } from "./ssh-wire.ts";

/** A key as an agent has it (draft-ietf-sshm-ssh-agent). */
export interface AgentKey {
  /** The public key in ssh's form: what servers and clients know it by. */
  publicKey: Uint8Array;
  comment: string;
  /** In ssh's form; `flags` as an agent is asked: 2 for SHA-256 and 4 for SHA-512 with RSA. */
  sign(data: Uint8Array, flags: number): Uint8Array;
}

const HEAD = "-----BEGIN OPENSSH PRIVATE KEY-----";
const MAGIC = "openssh-key-v1\0";

/** Errors: one that says what is wrong: encrypted, of a kind that isn't known, no key. */
export function parsePrivateKey(text: string): AgentKey {
  if (text.includes(HEAD)) return parseOpenSsh(text);
  if (/^Proc-Type:.*ENCRYPTED|BEGIN ENCRYPTED PRIVATE KEY/m.test(text)) throw encrypted();
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) throw new Error("no private key is in it");
  return agentKey(createPrivateKey(text), "");
}

const encrypted = () =>
  new Error(
    "the key is encrypted with a passphrase: add it to an agent (ssh-add), and name the agent's socket",
  );

function parseOpenSsh(text: string): AgentKey {
  const body = text.slice(text.indexOf(HEAD) + HEAD.length, text.indexOf("-----END"));
  const bytes = Buffer.from(body.replace(/\s+/g, ""), "base64");
  if (bytes.subarray(0, MAGIC.length).toString("latin1") !== MAGIC) throw new Error("the key is damaged");
  const reader = new WireReader(bytes.subarray(MAGIC.length));
  const cipher = reader.text();
  if (cipher !== "none") throw encrypted();
  reader.blob(); // How a key is made of a passphrase
  reader.blob();
  if (reader.uint32() !== 1) throw new Error("a file with several keys is not supported");
  reader.blob(); // The public key, which the private part has too
  const secret = new WireReader(reader.blob());
  const [check, again] = [secret.uint32(), secret.uint32()];
  if (check !== again) throw new Error("the key is damaged");
  const type = secret.text();
  const jwk = readJwk(type, secret);
  return agentKey(createPrivateKey({ key: jwk, format: "jwk" }), secret.text());
}

const url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

const CURVES: Record<string, { jwk: string; bytes: number; hash: string }> = {
  nistp256: { jwk: "P-256", bytes: 32, hash: "sha256" },
  nistp384: { jwk: "P-384", bytes: 48, hash: "sha384" },
  nistp521: { jwk: "P-521", bytes: 66, hash: "sha512" },
};

/** The private part of a key by its type, up to the comment. */
function readJwk(type: string, reader: WireReader): JsonWebKeyInput["key"] {
  if (type === "ssh-ed25519") {
    const x = reader.blob();
    const seed = reader.blob().subarray(0, 32);
    return { kty: "OKP", crv: "Ed25519", x: url(x), d: url(seed) };
  }
  if (type === "ssh-rsa") {
    const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () => reader.number()) as [
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
      bigint,
    ];
    const part = (value: bigint) => url(numberOf(value));
    return {
      ...{ kty: "RSA", n: part(n), e: part(e), d: part(d), p: part(p), q: part(q), qi: part(qi) },
      dp: part(d % (p - 1n)),
      dq: part(d % (q - 1n)),
    };
  }
  const curve = CURVES[/^ecdsa-sha2-(nistp\d+)$/.exec(type)?.[1] ?? ""];
  if (!curve) throw new Error(`keys of the type ${type} are not supported`);
  reader.text(); // The curve's name again
  const point = reader.blob();
  const d = reader.number();
  return {
    kty: "EC",
    crv: curve.jwk,
    x: url(point.subarray(1, 1 + curve.bytes)),
    y: url(point.subarray(1 + curve.bytes)),
    d: url(numberOf(d, curve.bytes)),
  };
}

function agentKey(key: KeyObject, comment: string): AgentKey {
  const jwk = key.export({ format: "jwk" });
  const part = (name: "x" | "y" | "n" | "e") => Buffer.from(jwk[name] ?? "", "base64url");
  switch (key.asymmetricKeyType) {
    case "ed25519":
      return {
        comment,
        publicKey: Buffer.concat([textOf("ssh-ed25519"), blobOf(part("x"))]),
        sign: (data) => Buffer.concat([textOf("ssh-ed25519"), blobOf(sign(null, data, key))]),
      };
    case "rsa":
      return {
        comment,
        publicKey: Buffer.concat([textOf("ssh-rsa"), numberOfBytes(part("e")), numberOfBytes(part("n"))]),
        sign(data, flags) {
          const [name, hash] =
            flags & 4
              ? ["rsa-sha2-512", "sha512"]
              : flags & 2
                ? ["rsa-sha2-256", "sha256"]
                : ["ssh-rsa", "sha1"];
          return Buffer.concat([textOf(name as string), blobOf(sign(hash, data, key))]);
        },
      };
    case "ec": {
      const found = Object.entries(CURVES).find(([, { jwk: name }]) => name === jwk.crv);
      if (!found) throw new Error(`keys on the curve ${jwk.crv} are not supported`);
      const [name, { hash, bytes }] = found;
      const type = `ecdsa-sha2-${name}`;
      const point = Buffer.concat([Buffer.from([4]), part("x"), part("y")]);
      return {
        comment,
        publicKey: Buffer.concat([textOf(type), textOf(name), blobOf(point)]),
        sign(data) {
          const both = sign(hash, data, { key, dsaEncoding: "ieee-p1363" });
          const pair = [numberOfBytes(both.subarray(0, bytes)), numberOfBytes(both.subarray(bytes))];
          return Buffer.concat([textOf(type), blobOf(Buffer.concat(pair))]);
        },
      };
    }
    default:
      throw new Error(`keys of the kind ${key.asymmetricKeyType} are not supported`);
  }
}
