// Leases around operations: opened before the first byte, renewed while it goes on, closed at its end.
import { messageOf } from "../base/errors.ts";
import { log } from "../base/log.ts";
import type { LeaseId, Store } from "./types.ts";

const LIFE_SECONDS = 3600;
const RENEW_EVERY = 600_000;

/**
 * Runs `work` under a lease; what it holds is safe until `work` has ended. What a failure leaves is collected soon, but not
 * what a client left by going away (`signal`): it may ask again, and go on from there.
 */
export async function withLease<T>(
  store: Store,
  purpose: string,
  work: (lease: LeaseId) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const { lease, renewal } = open(store, purpose);
  try {
    return await work(lease);
  } catch (error) {
    if (!signal?.aborted) store.collectSoon();
    throw error;
  } finally {
    clearInterval(renewal);
    close(store, lease);
  }
}

/** As withLease, but holds one turn of the event loop longer: those who wait for the result take hold themselves. */
export async function withSharedLease<T>(
  store: Store,
  purpose: string,
  work: (lease: LeaseId) => Promise<T>,
): Promise<T> {
  const { lease, renewal } = open(store, purpose);
  try {
    return await work(lease);
  } finally {
    clearInterval(renewal);
    setTimeout(() => close(store, lease), 0);
  }
}

function open(store: Store, purpose: string): { lease: LeaseId; renewal: Timer } {
  const lease = store.leases.open(purpose, LIFE_SECONDS);
  const renewal = setInterval(() => store.leases.touch(lease, LIFE_SECONDS), RENEW_EVERY);
  renewal.unref();
  return { lease, renewal };
}

/** An operation that was cut off by the daemon's end finds the database closed: the lease then expires by itself. */
function close(store: Store, lease: LeaseId): void {
  try {
    store.leases.close(lease);
  } catch (error) {
    log.debug("closing a lease failed", { lease, error: messageOf(error) });
  }
}
