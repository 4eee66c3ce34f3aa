// One call of a plugin: POST /SERVICE.METHOD with JSON, answered with JSON (Docker's plugin protocol v1). A plugin that is not there yet
// is tried again; one that hangs, or says what makes no sense, is an error with its name. Nothing here keeps anybody else waiting.
import { setTimeout as sleep } from "node:timers/promises";
import { BerthError, messageOf, systemError, unavailable } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import type { PluginAddress } from "./discovery.ts";

const MEDIA_TYPE = "application/vnd.docker.plugins.v1.2+json";
/** A list of a hundred thousand volumes has fewer bytes. */
const ANSWER_LIMIT = 64 << 20;

/** Milliseconds. The protocol has no other way to say that a plugin is stuck. */
export interface PluginPatience {
  /** Create and Mount. */
  long: number;
  /** All other calls. */
  short: number;
  /** Questions to every plugin there is, for one name or a list: nobody named this plugin. */
  probe: number;
  /** How long a connection that fails is tried again. */
  connect: number;
}

/** Docker's; it has no `probe`, so there one plugin that hangs holds up every list and every new volume for a minute. */
export const PATIENCE: PluginPatience = { long: 120_000, short: 60_000, probe: 10_000, connect: 30_000 };

/** What the plugin itself said against it, in its own words. */
export class PluginRefusal extends BerthError {
  constructor(message: string) {
    super("system", message);
  }
}

/** The object of the answer. Errors: PluginRefusal; unavailable (nobody there, no answer in time); system (nonsense). */
export async function callPlugin(
  address: PluginAddress,
  method: string,
  body: unknown,
  { timeout, connect }: { timeout: number; connect: number },
): Promise<Record<string, unknown>> {
  const { status, text } = await withRetries(address, method, connect, () =>
    post(address, method, body, timeout),
  );
  const said = parseObject(text);
  const problem = typeof said?.Err === "string" ? said.Err : "";
  if (status !== 200)
    throw new PluginRefusal(`${method}: ${problem || text.trim().slice(0, 1000) || `status ${status}`}`);
  if (!said) throw nonsense(address, method, `no JSON object: ${JSON.stringify(text.slice(0, 100))}`);
  if (problem) throw new PluginRefusal(problem);
  return said;
}

/** What a plugin answered can't be used. */
export const nonsense = ({ name }: PluginAddress, method: string, what: string) =>
  systemError(`${method}: the plugin ${JSON.stringify(name)} answered with ${what}`);

/** Waits of 1, 2, 4, 8 … seconds, while they end before `connect`. A call that was not answered in time is not made again. */
async function withRetries<T>(
  { name }: PluginAddress,
  method: string,
  connect: number,
  attempt: () => Promise<T>,
): Promise<T> {
  const began = Date.now();
  for (let wait = 1000; ; wait *= 2)
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ConnectionError) || Date.now() - began + wait >= connect)
        throw error instanceof ConnectionError ? unavailable(error.message, error.cause) : error;
      log.warn("a plugin can't be reached, and is tried again", {
        plugin: name,
        method,
        error: messageOf(error),
      });
      await sleep(wait);
    }
}

class ConnectionError extends Error {}

async function post(
  { name, shown, socket, base, tls }: PluginAddress,
  method: string,
  body: unknown,
  timeout: number,
): Promise<{ status: number; text: string }> {
  const signal = AbortSignal.timeout(timeout);
  try {
    const answer = await fetch(`${base}/${method}`, {
      method: "POST",
      headers: { Accept: MEDIA_TYPE, "Content-Type": MEDIA_TYPE },
      body: body === undefined ? "" : JSON.stringify(body),
      redirect: "error",
      keepalive: false, // A plugin that was started again has forgotten the old connection
      signal,
      ...(socket && { unix: socket }),
      ...(tls && { tls: { ca: tls.ca, cert: tls.cert, key: tls.key, rejectUnauthorized: tls.verify } }),
    } as BunFetchRequestInit);
    return { status: answer.status, text: await textOf(answer) };
  } catch (error) {
    if (signal.aborted)
      throw unavailable(
        `${method}: the plugin ${JSON.stringify(name)} at ${shown} did not answer within ${timeout / 1000} s`,
        error,
      );
    if (error instanceof TooMuchError)
      throw systemError(
        `${method}: the plugin ${JSON.stringify(name)} answered with more than ${ANSWER_LIMIT} bytes`,
      );
    throw new ConnectionError(
      `${method}: the plugin ${JSON.stringify(name)} at ${shown}: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

class TooMuchError extends Error {}

async function textOf(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > ANSWER_LIMIT) throw new TooMuchError();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
