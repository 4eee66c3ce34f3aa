// Keys as ssh-keygen writes them; what they sign is checked with their public keys by node:crypto.
import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { createPublicKey, verify } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keyAgent, readPrivateKey } from "./key-agent.ts";
import { blobOf, WireReader } from "./ssh-wire.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));

const hasKeygen = spawnSync("ssh-keygen", ["-?"]).error === undefined;
if (!hasKeygen) console.log("skipped: private keys, as this machine has no ssh-keygen to make some");
let made = 0;

function generate(type: string, bits: string, form: string, passphrase = ""): string {
  const path = join(folder, `key-${made++}`);
  const words = ["-q", "-t", type, ...(bits ? ["-b", bits] : []), ...(form ? ["-m", form] : [])];
  expect(spawnSync("ssh-keygen", [...words, "-N", passphrase, "-C", "a comment", "-f", path]).status).toBe(0);
  return path;
}

const message = (type: number, ...parts: Uint8Array[]) =>
  blobOf(Buffer.concat([Buffer.from([type]), ...parts]));
const number = (value: number) => Buffer.from([0, 0, 0, value]);

/** The public key as node:crypto has it; ssh-keygen has no other form for ed25519. */
function publicKeyOf(path: string, blob: Uint8Array) {
  const reader = new WireReader(blob);
  if (reader.text() === "ssh-ed25519")
    return createPublicKey({
      key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(reader.blob()).toString("base64url") },
      format: "jwk",
    });
  const { stdout } = spawnSync("ssh-keygen", ["-e", "-m", "PKCS8", "-f", `${path}.pub`]);
  return createPublicKey(stdout.toString());
}

describe.skipIf(!hasKeygen)("a private key", () => {
  test.each([
    ["ed25519", "", ""],
    ["rsa", "2048", ""],
    ["rsa", "2048", "PEM"],
    ["rsa", "2048", "PKCS8"],
    ["ecdsa", "256", ""],
    ["ecdsa", "384", ""],
    ["ecdsa", "521", ""],
    ["ecdsa", "256", "PEM"],
  ])("of type %s (%s, %s) is one that an agent lists and signs with", async (type, bits, form) => {
    const path = generate(type, bits, form);
    await using agent = await keyAgent([readPrivateKey(path)]).open();
    const [, encoded = "", comment] = readFileSync(`${path}.pub`, "utf8")
      .trim()
      .split(/ (.*?) (.*)/s);
    const list = new WireReader((await agent(message(11))).subarray(5));
    expect(list.uint32()).toBe(1);
    const blob = list.blob();
    expect(Buffer.from(blob).toString("base64")).toBe(encoded);
    expect(list.text()).toBe(form ? "" : (comment ?? ""));
    const key = publicKeyOf(path, blob);
    for (let round = 0; round < 20; round++) {
      const data = crypto.getRandomValues(new Uint8Array(100));
      const flags = round % 2 ? 2 : 4;
      const answer = await agent(message(13, blobOf(blob), blobOf(data), number(flags)));
      expect(answer[4]).toBe(14);
      const signature = new WireReader(new WireReader(answer.subarray(5)).blob());
      const name = signature.text();
      const bytes = signature.blob();
      if (type === "ed25519") expect(verify(null, data, key, bytes)).toBe(true);
      else if (type === "rsa") {
        expect(name).toBe(flags === 2 ? "rsa-sha2-256" : "rsa-sha2-512");
        expect(verify(flags === 2 ? "sha256" : "sha512", data, key, bytes)).toBe(true);
      } else {
        const pair = new WireReader(bytes);
        const size = Math.ceil(Number(bits) / 8) * 2;
        const both = [pair.number(), pair.number()].map((part) => part.toString(16).padStart(size, "0"));
        const hash = { "256": "sha256", "384": "sha384", "521": "sha512" }[bits];
        const whole = Buffer.from(both.join(""), "hex");
        expect(verify(hash, data, { key, dsaEncoding: "ieee-p1363" }, whole)).toBe(true);
      }
    }
  });

  test.each([
    ["", ""],
    ["PEM", ""],
    ["PKCS8", ""],
  ])("with a passphrase is refused by the word of what to do (%s)", (form) => {
    const path = generate("rsa", "2048", form, "secret");
    expect(() => readPrivateKey(path)).toThrow(
      `failed to parse ${path}: the key is encrypted with a passphrase: add it to an agent`,
    );
  });

  test.each([
    ["", "no private key is in it"],
    ["-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n", "no private key is in it"],
    ["-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "the key is damaged"],
  ])("is not in %j", (text, why) => {
    const path = join(folder, "none");
    writeFileSync(path, text);
    expect(() => readPrivateKey(path)).toThrow(`failed to parse ${path}: ${why}`);
  });

  test("that is cut short is refused", () => {
    const text = readFileSync(generate("ed25519", "", ""), "utf8");
    const lines = text.split("\n");
    const path = join(folder, "short");
    writeFileSync(path, [lines[0], lines[1], lines.at(-2)].join("\n"));
    expect(() => readPrivateKey(path)).toThrow(/ends too early/);
  });

  test("signs for nobody who asks for another key, and changes nothing", async () => {
    await using agent = await keyAgent([readPrivateKey(generate("ed25519", "", ""))]).open();
    for (const request of [
      message(13, blobOf(Buffer.from("other")), blobOf(Buffer.from("x")), number(0)),
      message(17),
      message(19),
    ])
      expect([...(await agent(request))]).toEqual([0, 0, 0, 1, 5]);
  });
});
