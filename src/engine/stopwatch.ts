// Where the time of a use case goes: one debug line for each part, in milliseconds since it began.
import { log } from "../base/log.ts";

export class Stopwatch {
  private readonly begun = performance.now();
  constructor(
    private readonly what: string,
    private readonly id: string,
  ) {}

  lap(part: string): void {
    log.debug(`${this.what}: ${part}`, {
      id: this.id.slice(0, 12),
      ms: Math.round((performance.now() - this.begun) * 100) / 100,
    });
  }
}
