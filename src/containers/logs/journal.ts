// Reading a container's lines back from the journal, as dockerd does (moby daemon/logger/journald/read.go).
import { systemError } from "../../base/errors.ts";
import { Journal, type JournalEntry } from "../../linux/journal.ts";
import { LogEntry } from "./entry.ts";
import type { EntrySink, ReadOptions } from "./files.ts";

/** How often a follower looks for new entries, in milliseconds. */
const LOOK_AGAIN = 100;
/** The journal takes lines in its own time: those of a container that has ended are waited for this long. */
const LAST_WORDS = 500;
/** Entries between two turns of the daemon's loop. */
const TURN = 256;

/** Fields that are not the user's labels and variables. */
const OURS =
  /^(_.*|MESSAGE|MESSAGE_ID|PRIORITY|CODE_FILE|CODE_LINE|CODE_FUNC|ERRNO|SYSLOG_(FACILITY|IDENTIFIER|PID|TIMESTAMP)|CONTAINER_(NAME|ID|ID_FULL|TAG|PARTIAL_.*|LOG_EPOCH|LOG_ORDINAL)|IMAGE_NAME)$/;

/** Errors: system (no libsystemd here, or a journal that can't be opened). */
export async function* readJournal<T>(
  id: string,
  options: ReadOptions,
  sink: EntrySink<T>,
): AsyncGenerator<T> {
  using journal = openJournal(id);
  if (options.tail >= 0) journal.seekTail(options.tail);
  else journal.seekHead();
  const entry = new LogEntry();
  let ended = false;
  options.follow?.finally(() => {
    ended = true;
  });
  let lastLook = 0;
  while (!options.signal.aborted) {
    let more = true;
    while (more) {
      for (let i = 0; i < TURN && more; i++) {
        const found = journal.next();
        more = found !== undefined;
        if (found && fill(entry, found) && !sink.entry(entry)) {
          yield* sink.taken();
          return;
        }
      }
      yield* sink.taken();
    }
    if (!options.follow || (lastLook > 0 && Date.now() > lastLook)) return;
    if (ended && lastLook === 0) lastLook = Date.now() + LAST_WORDS;
    await Bun.sleep(LOOK_AGAIN);
    journal.refresh();
  }
}

function openJournal(id: string): Journal {
  try {
    return new Journal(`CONTAINER_ID_FULL=${id}`);
  } catch (error) {
    throw systemError(`cannot read the journal: ${(error as Error).message}`, error);
  }
}

/** False for an entry without a message. */
function fill(entry: LogEntry, { microseconds, fields }: JournalEntry): boolean {
  const message = fields.get("MESSAGE");
  if (!message) return false;
  entry.bytes = message;
  entry.start = 0;
  entry.end = message.length;
  entry.lineFeed = fields.get("CONTAINER_PARTIAL_MESSAGE")?.toString() !== "true";
  entry.stream = fields.get("PRIORITY")?.toString() === "3" ? 1 : 0;
  entry.timeEnd = 0;
  entry.nanoseconds = microseconds * 1000n;
  const own = [...fields].filter(([name]) => !OURS.test(name));
  entry.attributes =
    own.length > 0 ? Object.fromEntries(own.map(([name, value]) => [name, value.toString()])) : undefined;
  return true;
}
