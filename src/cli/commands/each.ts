// One action on each of several things, as `rm a b c`: side by side, reported in the order of the command line.
import { describe } from "../describe.ts";
import { CommandFailure } from "../framework/failure.ts";
import type { Session } from "../session.ts";

/** More at a time would only queue up in the daemon. */
const AT_ONCE = 50;

/** Does it to each, prints what `act` gives (the name, unless it gives null), and fails at the end with all that went wrong. */
export async function each(
  session: Session,
  names: string[],
  act: (name: string) => Promise<unknown>,
): Promise<void> {
  const problems: string[] = [];
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const group = names.slice(from, from + AT_ONCE).map((name) => {
      const work = act(name);
      work.catch(() => {}); // reported below, in its turn
      return { name, work };
    });
    for (const { name, work } of group) {
      try {
        const said = await work;
        if (said !== null) await session.out.line(typeof said === "string" ? said : name);
      } catch (thrown) {
        problems.push(describe(thrown));
      }
    }
  }
  if (problems.length > 0) throw new CommandFailure(problems.join("\n"));
}
