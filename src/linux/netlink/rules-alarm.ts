// Tells at once that somebody changed nftables, by the event loop; who it was, and what, rules-watch.ts reads.
import { messageOf } from "../../base/errors.ts";
import { log } from "../../base/log.ts";
import { openRulesGroup } from "./rules-watch.ts";

/** Milliseconds after a change: a reload of rules is many of them. */
const SETTLE = 50;
/** A call that takes long because there are many rules comes this much less often than it takes. */
const SHARE = 10;

/** Calls soon after each change in the network namespace that the thread is in now; of many in a row, once for some. */
export function whenRulesChange(call: () => void): Disposable {
  let socket: { terminate(): void } | undefined;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  /** Of performance.now(). */
  let notBefore = 0;
  listen();
  return {
    [Symbol.dispose]() {
      closed = true;
      clearTimeout(waiting);
      socket?.terminate();
    },
  };

  function listen(): void {
    // Bun reads datagrams of a socket that is handed to it by its number, and closes it with its own.
    const options: Bun.FdSocketOptions = {
      fd: openRulesGroup({ overflow: "silent" }).fd,
      socket: {
        open(opened) {
          socket = opened;
          opened.unref();
          if (closed) opened.terminate();
        },
        data: soon,
        close() {
          if (!closed) log.warn("changes of nftables are seen late", { error: "the socket was closed" });
        },
        error() {},
      },
    };
    // Documented, and left out of the overloads of bun-types.
    Bun.connect(options as unknown as Bun.TCPSocketConnectOptions).catch((thrown) =>
      log.warn("changes of nftables are seen late", { error: messageOf(thrown) }),
    );
  }

  function soon(): void {
    waiting ??= setTimeout(look, Math.max(SETTLE, notBefore - performance.now()));
    waiting.unref();
  }

  function look(): void {
    waiting = undefined;
    const before = performance.now();
    call();
    const now = performance.now();
    notBefore = now + SHARE * (now - before);
  }
}
