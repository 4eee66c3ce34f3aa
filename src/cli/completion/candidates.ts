// What a place on the command line may hold: names from the daemon, contexts, words that are known beforehand.
import type { ContainerSummary } from "../../sdk/index.ts";
import type { Session } from "../session.ts";

/** What the shell does beside (spf13/cobra, ShellCompDirective): a bit mask, the last line of an answer. */
export const DIRECTIVE = { files: 0, error: 1, noSpace: 2, noFiles: 4 } as const;

export interface Candidates {
  /** A description may follow a tab. */
  words: string[];
  directive: number;
}

/** Where the word stands: what was typed of it, and the arguments before it. */
export interface Typed {
  word: string;
  args: string[];
}

export type Completer = (session: Session, typed: Typed) => Candidates | Promise<Candidates>;

export const nothing: Completer = () => ({ words: [], directive: DIRECTIVE.noFiles });
export const files: Completer = () => ({ words: [], directive: DIRECTIVE.files });

/** Words that are always the same, but those that stand there already. */
export const oneOf =
  (...words: string[]): Completer =>
  (_, { args }) => ({ words: words.filter((one) => !args.includes(one)), directive: DIRECTIVE.noFiles });

/** Beginnings, behind which more is typed. */
export const beginnings =
  (...words: string[]): Completer =>
  () => ({ words, directive: DIRECTIVE.noSpace });

/** Only for the first so many arguments. */
export const upTo =
  (count: number, completer: Completer, then: Completer = nothing): Completer =>
  (session, typed) =>
    (typed.args.length < count ? completer : then)(session, typed);

/** Names that the daemon knows; a daemon that isn't there is told to the shell, not to the person. */
const fromDaemon =
  (find: (session: Session) => Promise<string[]>): Completer =>
  async (session, { args }) => {
    try {
      const words = (await find(session)).filter((one) => !args.includes(one));
      return { words, directive: DIRECTIVE.noFiles };
    } catch {
      return { words: [], directive: DIRECTIVE.error };
    }
  };

export type Which = (container: ContainerSummary) => boolean;
const any: Which = () => true;
export const isPaused: Which = ({ State }) => State === "paused";
export const isRunning: Which = ({ State }) => State === "running";
export const isStopped: Which = ({ State }) => State === "exited" || State === "created";

async function containerNames(session: Session, all: boolean, which: Which): Promise<string[]> {
  const found = (await (await session.client()).containers.list({ all })).filter(which);
  // Whoever works with ids asks for them too, as with Docker's client.
  const withIds = process.env.DOCKER_COMPLETION_SHOW_CONTAINER_IDS === "yes";
  return found.flatMap(({ Id, Names }) => [
    ...(withIds && Id ? [Id] : []),
    ...(Names ?? []).map((name) => name.slice(1)).filter((name) => name && !name.includes("/")),
  ]);
}

export const containers = (options: { all?: boolean; which?: Which } = {}): Completer =>
  fromDaemon((session) => containerNames(session, options.all ?? false, options.which ?? any));

export const images = fromDaemon(async (session) =>
  (await (await session.client()).images.list()).flatMap(({ RepoTags }) => RepoTags ?? []),
);

export const networks = fromDaemon(async (session) =>
  (await (await session.client()).networks.list()).map(({ Name }) => Name ?? ""),
);

/** For `volume cp`: a volume's name and a colon, or a file of this host. */
export const volumePaths: Completer = async (session, typed) => {
  if (/^[./]|:/.test(typed.word)) return { words: [], directive: DIRECTIVE.files };
  const { words } = await volumes(session, typed);
  const own = words.filter((word) => word.startsWith(typed.word)).map((word) => `${word}:`);
  return own.length > 0
    ? { words: own, directive: DIRECTIVE.noSpace }
    : { words: [], directive: DIRECTIVE.files };
};

export const volumes = fromDaemon(async (session) =>
  ((await (await session.client()).volumes.list()).Volumes ?? []).map(({ Name }) => Name),
);

/** All contexts; the current one is marked where that helps. */
export const contexts = (options: { marksCurrent?: boolean } = {}): Completer => {
  return async (session, { args }) => {
    const { listContexts } = await import("../contexts/store.ts");
    const { naturally } = await import("../format/natural-order.ts");
    const names = ["default", ...(await listContexts(session.configFolder)).map(({ name }) => name)];
    const current = options.marksCurrent ? await session.contextName() : undefined;
    const words = names
      .filter((name) => !args.includes(name))
      .sort(naturally)
      .map((name) => (name === current ? `${name}\tcurrent` : name));
    return { words, directive: DIRECTIVE.noFiles };
  };
};

/** A file of this host, or of a container: `NAME:` first, then its path, which is not ours to know. */
export const containerPath: Completer = async (session, typed) => {
  if (/^[./~-]/.test(typed.word) || typed.word.includes(":") || typed.word.includes("/"))
    return files(session, typed);
  const { words, directive } = await containers({ all: true })(session, typed);
  if (directive === DIRECTIVE.error || !words.some((name) => name.startsWith(typed.word)))
    return files(session, typed);
  return { words: words.map((name) => `${name}:`), directive: DIRECTIVE.noSpace };
};

/** A key, then its `=`, then what that key may be. */
export const pairs =
  (keys: Record<string, Completer>): Completer =>
  async (session, typed) => {
    const [key = "", value] = typed.word.split(/=(.*)/s);
    if (value === undefined || !keys[key])
      return { words: Object.keys(keys).map((one) => `${one}=`), directive: DIRECTIVE.noSpace };
    const found = await keys[key](session, { word: value, args: [] });
    return { ...found, words: found.words.map((one) => `${key}=${one}`), directive: DIRECTIVE.noFiles };
  };

/** `container:NAME` among other words. */
export const orContainer =
  (...words: string[]): Completer =>
  async (session, typed) => {
    const { word } = typed;
    if (word.startsWith("container:")) {
      const found = await containers({ all: true })(session, { word: word.slice(10), args: [] });
      return { words: found.words.map((name) => `container:${name}`), directive: DIRECTIVE.noFiles };
    }
    return word !== "" && "container".startsWith(word)
      ? { words: ["container:"], directive: DIRECTIVE.noSpace }
      : { words: ["container:", ...words], directive: DIRECTIVE.noFiles };
  };
