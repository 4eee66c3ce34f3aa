// `system dial-stdio`: joins our standard streams to the daemon, for a client on another host that started us through
// ssh and speaks HTTP over them.

import { describe } from "../../describe.ts";
import { command } from "../../framework/command.ts";
import { fail } from "../../framework/failure.ts";

export default command({
  synopsis: "",
  about: "Proxy the stdio stream to the daemon connection. Should not be invoked manually.",
  args: { exactly: 0 },
  flags: {},
  async run(session) {
    const client = await session.client();
    let stream: Awaited<ReturnType<typeof client.connection.dial>>;
    try {
      stream = await client.connection.dial();
    } catch (thrown) {
      throw fail(`failed to open the raw stream connection: ${describe(thrown)}`);
    }
    const input = async () => {
      for await (const chunk of Bun.stdin.stream()) await stream.write(chunk);
      stream.closeWrite();
    };
    const output = (async () => {
      for await (const chunk of stream) await session.out.write(chunk);
    })();
    // The daemon's end is the end; ours only tells it that nothing more comes.
    await Promise.race([output, input().then(() => output)]);
  },
});
