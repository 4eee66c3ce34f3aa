// `logout`: forgets the credentials of a registry.
import { eraseAuth, HUB } from "../credentials.ts";
import { command } from "../framework/command.ts";

export default command({
  synopsis: "[SERVER]",
  about: "Log out from a registry.\nIf no server is specified, the default is defined by the daemon.",
  args: { atMost: 1 },
  flags: {},
  async run(session, { args: [server] }) {
    const host = server ? server.replace(/^https?:\/\//, "").replace(/\/.*$/, "") : HUB;
    await session.out.line(`Removing login credentials for ${host}`);
    await eraseAuth(session, server ? host : "docker.io");
  },
});
