// A driver that can't be read, and beside it a file in the local format that `logs` reads: Docker's dual logging
// (moby daemon/logger/loggerutils/cache).
import type { FixedBuffer } from "../../../linux/raw-io.ts";
import type { LineSink, Moment, OutputNumber, Part } from "./types.ts";

export class BothSinks implements LineSink {
  constructor(
    private readonly driver: LineSink,
    private readonly cache: LineSink,
  ) {}

  get chunk(): number {
    return this.driver.chunk;
  }
  get full(): boolean {
    return this.driver.full || this.cache.full;
  }
  get settled(): boolean {
    return this.driver.settled && this.cache.settled;
  }
  set onRoom(onRoom: () => void) {
    this.driver.onRoom = onRoom;
    this.cache.onRoom = onRoom;
  }

  begin(buffer: FixedBuffer, start: number, end: number): void {
    this.driver.begin(buffer, start, end);
    this.cache.begin(buffer, start, end);
  }

  line(
    stream: OutputNumber,
    buffer: FixedBuffer,
    start: number,
    end: number,
    moment: Moment,
    part: Part | undefined,
  ): void {
    this.driver.line(stream, buffer, start, end, moment, part);
    this.cache.line(stream, buffer, start, end, moment, part);
  }

  flush(): void {
    this.driver.flush();
    this.cache.flush();
  }
}
