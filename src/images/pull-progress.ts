// What `docker pull` shows of each layer, in the messages and order of Docker 28 (daemon/containerd/progress.go), at most
// ten a second for each: a slow client must not slow the pull.
import type { Digest } from "../oci/digest.ts";
import { shortDigest } from "./names.ts";
import type { Progress } from "./types.ts";

const EVERY = 100;

export class LayerProgress {
  private lastAt = 0;
  private ticker: Timer | undefined;
  private readonly id: string;

  constructor(
    digest: Digest,
    private readonly progress: Progress,
  ) {
    this.id = shortDigest(digest);
  }

  private say(status: string, progressDetail: { hidecounts?: boolean } = {}): void {
    this.progress({ status, progressDetail, id: this.id });
  }

  pulling(): void {
    this.say("Pulling fs layer");
  }

  waiting(): void {
    this.say("Waiting");
  }

  downloading(current: number, total: number): void {
    const now = performance.now();
    if (now - this.lastAt < EVERY || current === 0) return;
    this.lastAt = now;
    this.progress({ status: "Downloading", progressDetail: { current, total }, id: this.id });
  }

  downloaded(existed: boolean): void {
    this.say(existed ? "Already exists" : "Download complete", { hidecounts: true });
  }

  /** Counts the seconds until `unpacked` or `stop`: how far the worker is can't be known for a compressed layer. */
  extracting(): void {
    if (this.ticker) return;
    const began = performance.now();
    const tick = () =>
      this.progress({
        status: "Extracting",
        progressDetail: { current: 1 + Math.floor((performance.now() - began) / 1000), units: "s" },
        id: this.id,
      });
    tick();
    this.ticker = setInterval(tick, 1000);
  }

  unpacked(): void {
    this.stop();
    this.say("Pull complete", { hidecounts: true });
  }

  stop(): void {
    clearInterval(this.ticker);
    this.ticker = undefined;
  }
}
