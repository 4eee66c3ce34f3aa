// Progress of pull, push, load and import as Docker's JSON lines. A client that reads slowly gets the newest state of
// each layer instead of every step: what waits is bounded by the number of layers.
// Source: moby pkg/jsonmessage; the reference, "ImageCreate".
import { messageOf } from "../base/errors.ts";
import type { Progress, ProgressMessage } from "../images/types.ts";
import type { Reply, Sink } from "./request.ts";

/** Runs `work` and streams what it tells. An error before the first line keeps its status; a later one is the last line. */
export function progressReply(
  work: (progress: Progress) => Promise<void>,
  contentType = "application/json",
): Reply {
  return {
    kind: "stream",
    contentType,
    lazy: true,
    async write(sink) {
      const lines = new ProgressLines(sink);
      try {
        await work((message) => lines.add(message));
      } finally {
        await lines.flush();
      }
    },
    failed: (error) => line({ errorDetail: { message: messageOf(error) }, error: messageOf(error) }),
  };
}

export class ProgressLines {
  private readonly waiting: ProgressMessage[] = [];
  private writing: Promise<void> | undefined;
  private failure: unknown;

  constructor(private readonly sink: Sink) {}

  add(message: ProgressMessage): void {
    if (message.progressDetail && message.id !== undefined) {
      // Only the newest step of the same phase of a layer is worth sending.
      const older = this.waiting.findIndex(
        (other) => other.id === message.id && other.status === message.status && other.progressDetail,
      );
      if (older >= 0) {
        this.waiting[older] = message;
        return;
      }
    }
    this.waiting.push(message);
    this.writing ??= this.drain().finally(() => {
      this.writing = undefined;
    });
  }

  async flush(): Promise<void> {
    while (this.writing) await this.writing;
  }

  private async drain(): Promise<void> {
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) {
      if (this.failure) continue; // the client has gone; its abort signal ends the work
      try {
        await this.sink.write(line(next));
      } catch (error) {
        this.failure = error;
      }
    }
  }
}

function line(message: ProgressMessage): string {
  const { progressDetail } = message;
  const bar = progressDetail ? progressBar(progressDetail.current ?? 0, progressDetail.total ?? 0) : "";
  return `${JSON.stringify(bar === "" ? message : { ...message, progress: bar })}\r\n`;
}

/** The `progress` text that older clients print: `[====>    ]  1.2MB/3.4MB`. */
export function progressBar(current: number, total: number): string {
  if (current <= 0 && total <= 0) return "";
  const done = humanSize(current).padStart(8);
  if (total <= 0) return done;
  const filled = Math.min(50, Math.trunc(Math.trunc((current / total) * 100) / 2));
  const box = `[${"=".repeat(filled)}>${" ".repeat(50 - filled)}] `;
  return current > total ? box + done : `${box}${done}/${humanSize(total)}`;
}

/** Four digits and a decimal unit, as docker/go-units HumanSize. */
function humanSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${Number(size.toPrecision(4))}${units[unit]}`;
}
