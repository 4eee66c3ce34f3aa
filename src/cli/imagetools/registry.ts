// Registries by the daemon, with the credentials that this client has for each.
import type { Digest } from "../../oci/digest.ts";
import { canonical, type Reference, repositoryOf, withDefaultTag, withDigest } from "../../oci/reference.ts";
import type { RegistryAuth, RegistryManifest } from "../../sdk/index.ts";
import { authFor } from "../credentials.ts";
import type { Session } from "../session.ts";

export interface RegistryAccess {
  /** What a reference names; its tag is `latest` where it has none. */
  manifest(reference: Reference): Promise<RegistryManifest>;
  blob(reference: Reference, digest: Digest): Promise<Uint8Array>;
  /** Copies a manifest with all it names; it arrives under its digest. */
  copy(from: Reference, digest: Digest, to: Reference): Promise<void>;
  put(reference: Reference, mediaType: string, bytes: Uint8Array): Promise<void>;
}

export async function registryAccess(session: Session): Promise<RegistryAccess> {
  const { registry } = await session.client();
  const known = new Map<string, Promise<RegistryAuth | undefined>>();
  const authOf = ({ domain }: Reference) => {
    const auth = known.get(domain) ?? authFor(session, domain);
    known.set(domain, auth);
    return auth;
  };
  return {
    manifest: async (reference) =>
      registry.manifest(canonical(exact(reference)), { auth: await authOf(reference) }),
    blob: async (reference, digest) =>
      registry.blob(canonical(withDigest(reference, digest)), { auth: await authOf(reference) }),
    async copy(from, digest, to) {
      const auths: Record<string, RegistryAuth> = {};
      for (const one of [from, to]) {
        const auth = await authOf(one);
        if (auth) auths[one.domain] = auth;
      }
      await registry.copy(canonical(withDigest(from, digest)), repositoryOf(to), { auths });
    },
    put: async (reference, mediaType, bytes) =>
      registry.putManifest(canonical(exact(reference)), { mediaType, bytes, auth: await authOf(reference) }),
  };
}

/** Of tag and digest the digest is what counts. */
const exact = (reference: Reference): Reference =>
  reference.digest ? withDigest(reference, reference.digest) : withDefaultTag(reference);
