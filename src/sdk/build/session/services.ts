// What a session offers besides files; each is loaded when the daemon calls for it.
import type { RegistryAuth } from "../../images.ts";
import type { SecretSource } from "../types.ts";
import { AUTH, CONTENT, SECRETS, SSH, UPLOAD } from "./methods.ts";
import type { AgentKey } from "./private-keys.ts";
import type { SessionService } from "./session.ts";

/** Credentials for registries, by the registry's host. */
export const authService = (
  credentials: (host: string) => Promise<RegistryAuth | undefined>,
): SessionService => ({
  methods: AUTH,
  load: async () => (await import("./auth.ts")).registerAuth(credentials),
});

/** Secrets by their ids. */
export const secretsService = (secrets: Record<string, SecretSource>): SessionService => ({
  methods: SECRETS,
  load: async () => (await import("./secrets.ts")).registerSecrets(secrets),
});

/** An agent's socket, or the private keys in its place. */
export type AgentPlace = { socket: string } | { keys: readonly AgentKey[] };

/** SSH agents by their ids. */
export const sshService = (agents: Record<string, AgentPlace>): SessionService => ({
  methods: SSH,
  load: async () => {
    const { registerSsh, socketAgent } = await import("./ssh-agent.ts");
    const { keyAgent } = await import("./key-agent.ts");
    return registerSsh(
      Object.fromEntries(
        Object.entries(agents).map(([id, place]) => [
          id,
          "socket" in place ? socketAgent(place.socket) : keyAgent(place.keys),
        ]),
      ),
    );
  },
});

/** Archives by their names in `uploadAddress`; each can be fetched once. */
export const uploadsService = (archives: Record<string, AsyncIterable<Uint8Array>>): SessionService => ({
  methods: UPLOAD,
  load: async () => (await import("./uploads.ts")).registerUploads(archives),
});

/** Folders in OCI's image layout, by the id that the daemon sends as `buildkit-attachable-store-id`. */
export const contentService = (stores: Record<string, string>): SessionService => ({
  methods: CONTENT,
  load: async () => (await import("./content.ts")).registerContent(stores),
});

/** Where the daemon finds an archive that the session offers. */
export const uploadAddress = (name: string) => `http://buildkit-session/${name}`;
