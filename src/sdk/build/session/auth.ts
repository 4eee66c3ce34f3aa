// Credentials for registries. The daemon either gets them, or, for bearer tokens, only asks for a token: then the
// password stays here. An authority key says whose tokens they are (moby/buildkit session/auth).
import { createHmac, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import type { ConnectRouter } from "@connectrpc/connect";
import { Auth } from "../../../buildkit/messages/session_pb.ts";
import type { RegistryAuth } from "../../images.ts";
import { fetchToken } from "./registry-token.ts";

type Credentials = (host: string) => Promise<RegistryAuth | undefined>;

export function registerAuth(credentials: Credentials): (router: ConnectRouter) => void {
  const known = new Map<string, Promise<RegistryAuth | undefined>>();
  const lookup = (host: string) => {
    const found = known.get(host) ?? credentials(host);
    known.set(host, found);
    return found;
  };
  const authority = authorities(async (host) => Boolean(pairOf(await lookup(host)).secret));
  return (router) => {
    router.service(Auth, {
      credentials: async ({ host }) => pairOf(await lookup(host)),
      async fetchToken({ host, clientId, realm, service, scopes }) {
        const auth = await lookup(host);
        if (auth?.registrytoken) return { token: auth.registrytoken, expiresIn: 60n };
        const { token, expiresIn, issuedAt } = await fetchToken({
          realm,
          service,
          scopes,
          clientId: clientId || "buildkit-client",
          ...pairOf(auth),
        });
        return { token, expiresIn: BigInt(expiresIn), issuedAt: BigInt(issuedAt) };
      },
      async getTokenAuthority({ host, salt }) {
        return { publicKey: rawPublicKey(await authority(host, salt)) };
      },
      async verifyTokenAuthority({ host, salt, payload }) {
        // NaCl's combined form: the signature, then what is signed.
        const signature = sign(null, payload, await authority(host, salt));
        return { signed: Buffer.concat([signature, payload]) };
      },
    });
  };
}

function pairOf(auth: RegistryAuth | undefined): { username: string; secret: string } {
  if (auth?.identitytoken) return { username: "", secret: auth.identitytoken };
  return { username: auth?.username ?? "", secret: auth?.password ?? "" };
}

/** PKCS #8's frame around an Ed25519 seed (RFC 8410). */
const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");

/** A key a host, made of a seed that lives as long as the session; whoever is anonymous shares one with all who are. */
function authorities(isKnown: (host: string) => Promise<boolean>) {
  const seeds = new Map<string, Uint8Array>();
  return async (host: string, salt: Uint8Array): Promise<KeyObject> => {
    const mac = createHmac("sha256", salt);
    if (await isKnown(host)) {
      const seed = seeds.get(host) ?? crypto.getRandomValues(new Uint8Array(16));
      seeds.set(host, seed);
      mac.update(seed);
    }
    const key = Buffer.concat([PKCS8_ED25519, mac.digest()]);
    return createPrivateKey({ key, format: "der", type: "pkcs8" });
  };
}

function rawPublicKey(key: KeyObject): Uint8Array {
  return createPublicKey(key as never)
    .export({ format: "der", type: "spki" })
    .subarray(-32);
}
