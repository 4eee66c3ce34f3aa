// Questions and answers of the domain name system as bytes: RFC 1035 section 4, RFC 6891 (the size that a client can
// take). Only what a server needs that answers from a table and hands everything else on unopened.

export const TYPE = { A: 1, PTR: 12, MX: 15, AAAA: 28, OPT: 41 } as const;
export const RCODE = {
  success: 0,
  formatError: 1,
  serverFailure: 2,
  notImplemented: 4,
  refused: 5,
} as const;

const HEADER = 12;
const CLASS_INTERNET = 1;
/** Bits of the third byte: answer, opcode, truncated, recursion desired. */
const ANSWER = 0x80;
const OPCODE = 0x78;
const TRUNCATED = 0x02;
const RECURSION_DESIRED = 0x01;
/** Bits of the fourth: recursion available, checking disabled, and the code of the outcome. */
const RECURSION_AVAILABLE = 0x80;
const CHECKING_DISABLED = 0x10;
const RCODE_MASK = 0x0f;
/** Two high bits: a name goes on elsewhere in the message. */
const POINTER = 0xc0;
const LONGEST_NAME = 255;
/** Where the question's name is in every message: what answers' names point at. */
const NAME_OF_QUESTION = HEADER;
/** What a client takes by UDP that doesn't say. */
export const SMALLEST_ROOM = 512;
export const LARGEST_MESSAGE = 65535;

/** A message that asks one question. */
export interface Question {
  /** The message as it came. */
  readonly bytes: Buffer;
  /** Where the question section ends. */
  readonly end: number;
  /** In lower case, without the dot at its end; undefined where no container's name can look so (a dot or a byte beyond ASCII in a label). */
  readonly name: string | undefined;
  readonly type: number;
  readonly internet: boolean;
  /** Bytes that the client can take in a datagram. */
  readonly room: number;
}

export const idOf = (message: Uint8Array) => ((message[0] ?? 0) << 8) | (message[1] ?? 0);
export const rcodeOf = (message: Uint8Array) => (message[3] ?? 0) & RCODE_MASK;
const u16 = (bytes: Uint8Array, at: number) => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** Where a name ends that begins at `at`, or -1: it leads outside, or is none. */
function endOfName(bytes: Uint8Array, at: number): number {
  for (let next = at; next < bytes.length; ) {
    const length = bytes[next] as number;
    if (length === 0) return next + 1 - at <= LONGEST_NAME ? next + 1 : -1;
    if (length >= POINTER) return next + 2 <= bytes.length ? next + 2 : -1;
    if (length > 63) return -1;
    next += 1 + length;
  }
  return -1;
}

/** The name at `at`, which ends at `end`, as text. */
function nameText(bytes: Buffer, at: number, end: number): string | undefined {
  // The bytes of lengths become dots: a name is looked up for every question, and this makes one string for it.
  const text = Buffer.from(bytes.subarray(at + 1, end - 1));
  let dot = (bytes[at] as number) + 1;
  for (let i = 0; i < text.length; i++) {
    if (i + 1 === dot) {
      dot += (text[i] as number) + 1;
      text[i] = 0x2e;
      continue;
    }
    const byte = text[i] as number;
    if (byte === 0x2e || byte > 0x7e) return undefined;
    if (byte >= 0x41 && byte <= 0x5a) text[i] = byte + 0x20;
  }
  return text.toString("latin1");
}

/**
 * What a message asks. `refuse` is the code of the answer to one that can't be read; undefined is for what gets no answer
 * at all: an answer, or too short to tell.
 */
export function parseQuestion(bytes: Buffer): Question | { refuse: number } | undefined {
  if (bytes.length < HEADER || ((bytes[2] as number) & ANSWER) !== 0) return undefined;
  if (((bytes[2] as number) & OPCODE) !== 0) return { refuse: RCODE.notImplemented };
  // The limits of Docker's server on the other sections; none of them has a use in a question but EDNS's.
  if (u16(bytes, 4) !== 1 || u16(bytes, 6) > 1 || u16(bytes, 8) > 1 || u16(bytes, 10) > 2)
    return { refuse: RCODE.formatError };
  const endName = endOfName(bytes, HEADER);
  const end = endName + 4;
  // A question's name has nothing before it to point at.
  if (endName < 0 || end > bytes.length || bytes[endName - 1] !== 0) return { refuse: RCODE.formatError };
  const room = roomOf(bytes, end);
  if (room === undefined) return { refuse: RCODE.formatError };
  return {
    bytes,
    end,
    name: nameText(bytes, HEADER, endName),
    type: u16(bytes, endName),
    internet: u16(bytes, endName + 2) === CLASS_INTERNET,
    room,
  };
}

/**
 * What the records after the question say about the client's room: its OPT record's class. Undefined: malformed. That
 * there are fewer than the header says is let pass, as Docker's server does.
 */
function roomOf(bytes: Buffer, start: number): number | undefined {
  let room = SMALLEST_ROOM;
  let at = start;
  for (let left = u16(bytes, 6) + u16(bytes, 8) + u16(bytes, 10); left > 0 && at < bytes.length; left--) {
    const record = endOfName(bytes, at);
    if (record < 0 || record + 10 > bytes.length) return undefined;
    if (u16(bytes, record) === TYPE.OPT) room = Math.max(room, u16(bytes, record + 2));
    at = record + 10 + u16(bytes, record + 8);
    if (at > bytes.length) return undefined;
  }
  return room;
}

/** A record's data, of the question's own name and type. */
export type RecordData = Uint8Array;

/**
 * An answer of records that all have the question's name and type. Those that don't fit into `room` bytes are left out,
 * and it says so (TC): the client asks again by TCP.
 */
export function answer(
  question: Question,
  records: readonly RecordData[],
  ttl: number,
  room: number,
): Buffer {
  const { bytes, end } = question;
  let size = end;
  let count = 0;
  for (const { length } of records) {
    if (size + 12 + length > room) break;
    size += 12 + length;
    count++;
  }
  const message = Buffer.allocUnsafe(size);
  bytes.copy(message, 0, 0, end);
  setHeader(message, bytes, RECURSION_AVAILABLE | RCODE.success, 1, count);
  if (count < records.length) message[2] = (message[2] as number) | TRUNCATED;
  let at = end;
  for (let i = 0; i < count; i++) {
    const data = records[i] as RecordData;
    message.writeUInt16BE((POINTER << 8) | NAME_OF_QUESTION, at);
    message.writeUInt16BE(question.type, at + 2);
    message.writeUInt16BE(CLASS_INTERNET, at + 4);
    message.writeUInt32BE(ttl, at + 6);
    message.writeUInt16BE(data.length, at + 10);
    message.set(data, at + 12);
    at += 12 + data.length;
  }
  return message;
}

/**
 * An answer of a code alone, with the question when that could be read. It doesn't say that recursion is available, as
 * Docker's does not.
 */
export function failure(bytes: Buffer, code: number, question?: Question): Buffer {
  const end = question?.end ?? HEADER;
  const message = Buffer.allocUnsafe(end);
  bytes.copy(message, 0, 0, end);
  setHeader(message, bytes, code, question ? 1 : 0, 0);
  return message;
}

function setHeader(
  message: Buffer,
  asked: Uint8Array,
  outcome: number,
  questions: number,
  answers: number,
): void {
  message[2] = ANSWER | ((asked[2] as number) & (OPCODE | RECURSION_DESIRED));
  message[3] = ((asked[3] as number) & CHECKING_DISABLED) | outcome;
  message.writeUInt16BE(questions, 4);
  message.writeUInt16BE(answers, 6);
  message.writeUInt32BE(0, 8);
}

/**
 * True when `reply` answers the question: the same one, letter case aside. A server that can't even read the question
 * leaves it out, and says what is wrong.
 */
export function answers(reply: Uint8Array, question: Question): boolean {
  if (reply.length < HEADER || ((reply[2] as number) & ANSWER) === 0) return false;
  if (u16(reply, 4) === 0) return rcodeOf(reply) !== RCODE.success;
  if (u16(reply, 4) !== 1 || reply.length < question.end) return false;
  for (let at = HEADER; at < question.end; at++) {
    const [a, b] = [question.bytes[at] as number, reply[at] as number];
    if (a !== b && !(isLetter(a) && (a ^ b) === 0x20)) return false;
  }
  return true;
}

const isLetter = (byte: number) => (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);

/** A copy under another id. */
export function withId(message: Uint8Array, id: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(id, 0);
  return copy;
}

/** The data of a PTR record: a name as labels. Undefined when it can't be written so. */
export function encodeName(name: string): Buffer | undefined {
  const parts = name.split(".").map((label) => Buffer.from(label, "latin1"));
  if (parts.some(({ length }) => length === 0 || length > 63)) return undefined;
  const encoded = Buffer.concat([...parts.flatMap((part) => [Buffer.of(part.length), part]), Buffer.of(0)]);
  return encoded.length <= LONGEST_NAME ? encoded : undefined;
}
