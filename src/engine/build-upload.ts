// A build's context in a request of its own (`remote=upload-request` in one POST /build, `buildid=upload-request:ID` in the other): so
// clients send it once BuildKit's session is up. Whichever request comes first waits for the other one.
import { invalid } from "../base/errors.ts";
import type { Engine } from "./types.ts";

export const UPLOAD_REQUEST = "upload-request";
const PREFIX = `${UPLOAD_REQUEST}:`;
/** Milliseconds, as in Docker. */
const PATIENCE = 5_000;

export interface Upload {
  body: AsyncIterable<Uint8Array>;
  /** Bytes, where the client said it. */
  size?: number;
}

type Meeting = { offered: PromiseWithResolvers<Upload>; taken: PromiseWithResolvers<void> };

const meetings = new WeakMap<Engine, Map<string, Meeting>>();

function meetingOf(engine: Engine, id: string): Meeting {
  const all = meetings.get(engine) ?? new Map<string, Meeting>();
  meetings.set(engine, all);
  const known = all.get(id);
  if (known) return known;
  const made = { offered: Promise.withResolvers<Upload>(), taken: Promise.withResolvers<void>() };
  all.set(id, made);
  return made;
}

/** The build that an upload is for; undefined: the request is a build's own. */
export const uploadFor = (buildId: string): string | undefined =>
  buildId.startsWith(PREFIX) ? buildId.slice(PREFIX.length) : undefined;

/** Gives the context to the build, and resolves when that has read it. Errors: invalid when no build asks for it. */
export async function offerUpload(
  engine: Engine,
  id: string,
  upload: Upload,
  signal: AbortSignal,
): Promise<void> {
  const { offered, taken } = meetingOf(engine, id);
  const read = Promise.withResolvers<void>();
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      yield* upload.body;
    } finally {
      read.resolve();
    }
  }
  offered.resolve({ body: body(), ...(upload.size !== undefined && { size: upload.size }) });
  await within(taken.promise, `build ${id} doesn't ask for a context`, engine, id, signal);
  await Promise.race([read.promise, aborted(signal)]);
}

/** Errors: invalid when it doesn't come. */
export async function takeUpload(engine: Engine, id: string, signal: AbortSignal): Promise<Upload> {
  if (id === "") throw invalid("a build whose context comes by a request of its own needs a build id");
  const { offered, taken } = meetingOf(engine, id);
  const upload = await within(offered.promise, `no context came for build ${id}`, engine, id, signal);
  meetings.get(engine)?.delete(id);
  taken.resolve();
  return upload;
}

async function within<T>(
  work: Promise<T>,
  otherwise: string,
  engine: Engine,
  id: string,
  signal: AbortSignal,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(invalid(`${otherwise} within ${PATIENCE / 1000} seconds`)),
    PATIENCE,
  );
  try {
    return await Promise.race([work, late.promise, aborted(signal)]);
  } catch (thrown) {
    meetings.get(engine)?.delete(id);
    throw thrown;
  } finally {
    clearTimeout(timer);
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
