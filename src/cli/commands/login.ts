// `login`: credentials of a registry, proved by the daemon and kept for later.
import type { RegistryAuth } from "../../sdk/index.ts";
import { authFor, HUB, storeAuth } from "../credentials.ts";
import { describe } from "../describe.ts";
import { command } from "../framework/command.ts";
import { fail } from "../framework/failure.ts";
import { flag } from "../framework/flags.ts";
import { isTerminal } from "../output.ts";
import { ask } from "../prompt.ts";
import type { Session } from "../session.ts";

export default command({
  synopsis: "[OPTIONS] [SERVER]",
  about: "Authenticate to a registry.\nDefaults to Docker Hub if no server is specified.",
  args: { atMost: 1 },
  flags: {
    password: flag.string("Password or Personal Access Token (PAT)", { short: "p" }),
    "password-stdin": flag.bool("Take the Password or Personal Access Token (PAT) from stdin"),
    username: flag.string("Username", { short: "u" }),
  },
  async run(session, { args: [server], flags, given }) {
    if (given("password-stdin")) {
      if (given("password"))
        throw fail("conflicting options: cannot specify both --password and --password-stdin");
      if (!given("username")) throw fail("the --password-stdin option requires --username to be set");
    }
    if (given("username") && flags.username === "") throw fail("username is empty");
    if (given("password") && flags.password === "") throw fail("password is empty");
    if (flags.password) {
      await session.err.line("WARNING! Using --password via the CLI is insecure. Use --password-stdin.");
    }
    const password = flags["password-stdin"]
      ? (await Bun.stdin.text()).replace(/\r?\n$/, "")
      : flags.password;
    const serveraddress =
      server && server !== "docker.io" ? server.replace(/^https?:\/\//, "").replace(/\/.*$/, "") : HUB;
    const status =
      (flags.username === "" && password === "" && (await withKnown(session, serveraddress))) ||
      (await withAsked(session, { username: flags.username, password, serveraddress }));
    if (status) await session.out.line(status);
  },
});

/** Tries what is kept; gives nothing where that is none, or not taken any more. */
async function withKnown(session: Session, serveraddress: string): Promise<string | undefined> {
  const known = await authFor(session, serveraddress);
  if (!known?.username || !known.password) return undefined;
  await session.err.line(`Authenticating with existing credentials... [Username: ${known.username}]`);
  await session.err.line(
    `\nInfo → To login with a different account, run '${session.program} logout' followed by '${session.program} login'\n\n`,
  );
  try {
    return await prove(session, known);
  } catch (thrown) {
    await session.err.line(`Login did not succeed, error: ${describe(thrown)}`);
    return undefined;
  }
}

async function withAsked(
  session: Session,
  { username, password, serveraddress }: RegistryAuth,
): Promise<string> {
  if ((!username || !password) && !isTerminal(0)) {
    throw fail("Error: Cannot perform an interactive login from a non TTY device");
  }
  const name = username || (await ask(session, "Username: "));
  if (!name) throw fail("error: username is required");
  const secret = password || (await ask(session, "Password: ", { hidden: true }));
  if (!secret) throw fail("error: password is required");
  return prove(session, { username: name, password: secret, serveraddress });
}

async function prove(session: Session, auth: RegistryAuth): Promise<string> {
  const { Status, IdentityToken } = await (await session.client()).system.login(auth);
  const kept = await storeAuth(
    session,
    IdentityToken ? { ...auth, password: "", identitytoken: IdentityToken } : auth,
  );
  if (kept === "file") {
    await session.err.line(
      `\nWARNING! Your credentials are stored unencrypted in '${session.configFolder}/config.json'.\nConfigure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n`,
    );
  }
  return Status ?? "";
}
