// The default profile as the program that the kernel runs (seccomp(2), BPF). A profile by names means what the runtime's
// libseccomp makes of it: names that it doesn't know are passed over, and those calls get the default EPERM, though C
// libraries fall back to older calls on ENOSYS alone (fchmodat2 of Linux 6.6 in glibc 2.39: chmod, tar and dpkg fail).
// runc puts a piece of its own before the filter for that; crun takes a finished filter. With numbers of our own a call
// is allowed whatever the library's age, what is known and refused is EPERM, and what nobody knows yet is ENOSYS. It
// also spares each start libseccomp's work, some milliseconds.
import type { SeccompContext } from "./seccomp.ts";
import { CALL_NUMBERS, type CallNumbers } from "./seccomp-numbers.ts";
import type { SeccompArgument, SeccompRule } from "./spec.ts";

const EPERM = 1;
const ENOSYS = 38;

/** SECCOMP_RET_… (linux/seccomp.h). */
const RET = { ALLOW: 0x7fff0000, ERRNO: 0x00050000, KILL_THREAD: 0 };
/** struct seccomp_data: nr, arch, instruction_pointer, args[6]; the low half of an argument comes first. */
const DATA = { number: 0, architecture: 4, arguments: 16 };
/** Opcodes (linux/bpf_common.h): load a word, compare with a constant, jump, "and" with a constant, return. */
const OP = { LOAD: 0x20, EQ: 0x15, GT: 0x25, GE: 0x35, JUMP: 0x05, AND: 0x54, RETURN: 0x06 };
/** A conditional jump's two distances are bytes. */
const FAR = 255;
/** BPF_MAXINSNS. */
const LONGEST = 4096;

interface Instruction {
  op: number;
  constant: number;
  /** How many instructions to pass over. */
  whenTrue?: number;
  whenFalse?: number;
}

/** What is to be done: an answer, or the comparisons that lead to one. */
type Verdict = number | SeccompRule[];
/** Holds from this number to the next range's. */
interface Range {
  from: number;
  verdict: Verdict;
}

/**
 * Compiles rules whose comparisons are of 32-bit arguments: the high halves are not looked at, since the kernel
 * doesn't either (clone's flags, personality's persona, socket's family). Gives the bytes of struct sock_filter[].
 * A rule without comparisons goes before those with some, as in libseccomp.
 */
export function compileFilter(rules: SeccompRule[], architecture: SeccompContext["architecture"]): Buffer {
  const byName = new Map<string, SeccompRule[]>();
  for (const rule of rules)
    for (const name of rule.names) byName.set(name, [...(byName.get(name) ?? []), rule]);
  const sections = CALL_NUMBERS[architecture]().map(([audit, numbers]) => ({
    audit,
    code: [load(DATA.number), ...search(ranges(numbers, byName))],
  }));
  const program = [load(DATA.architecture)];
  let ahead = 2 * sections.length - 1; // what of the list below, and the refusal, lies before the first section
  for (const { audit, code } of sections) {
    program.push({ op: OP.EQ, constant: audit, whenFalse: 1 }, { op: OP.JUMP, constant: ahead });
    ahead += code.length - 2;
  }
  program.push(answer(RET.KILL_THREAD), ...sections.flatMap(({ code }) => code));
  if (program.length > LONGEST) throw new Error(`the filter has ${program.length} instructions`);
  return encode(program);
}

const load = (offset: number): Instruction => ({ op: OP.LOAD, constant: offset });
const answer = (action: number): Instruction => ({ op: OP.RETURN, constant: action });

function actionOf({ action, errnoRet = EPERM }: SeccompRule): number {
  if (action === "SCMP_ACT_ALLOW") return RET.ALLOW;
  if (action === "SCMP_ACT_ERRNO") return RET.ERRNO | errnoRet;
  throw new Error(`the default profile has no action ${action}`);
}

function verdictOf(rules: SeccompRule[] | undefined): Verdict {
  if (!rules) return RET.ERRNO | EPERM;
  const always = rules.find(({ args }) => !args || args.length === 0);
  return always ? actionOf(always) : rules;
}

/** The whole range of numbers, in order; those without a name are unknown. */
function ranges(numbers: CallNumbers, byName: Map<string, SeccompRule[]>): Range[] {
  const list: Range[] = [{ from: 0, verdict: RET.ERRNO | ENOSYS }];
  const add = (from: number, verdict: Verdict) => {
    const last = list.at(-1) as Range;
    if (last.from === from) last.verdict = verdict;
    else if (last.verdict !== verdict) list.push({ from, verdict });
  };
  for (const [number, name] of [...numbers].sort(([a], [b]) => a - b)) {
    add(number, verdictOf(byName.get(name)));
    if (!numbers.has(number + 1)) add(number + 1, RET.ERRNO | ENOSYS);
  }
  return list;
}

/** A binary search by the number, which is loaded. */
function search(list: Range[]): Instruction[] {
  const [only] = list;
  if (list.length <= 1) return only ? conclude(only.verdict) : [];
  const half = list.length >> 1;
  const below = search(list.slice(0, half));
  const from = (list[half] as Range).from;
  const above = search(list.slice(half));
  const choice: Instruction[] =
    below.length <= FAR
      ? [{ op: OP.GE, constant: from, whenTrue: below.length }]
      : [
          { op: OP.GE, constant: from, whenFalse: 1 },
          { op: OP.JUMP, constant: below.length },
        ];
  return [...choice, ...below, ...above];
}

function conclude(verdict: Verdict): Instruction[] {
  if (typeof verdict === "number") return [answer(verdict)];
  return [...verdict.flatMap(conditional), answer(RET.ERRNO | EPERM)];
}

/** Answers when all comparisons hold, and else goes on behind. */
function conditional(rule: SeccompRule): Instruction[] {
  let code = [answer(actionOf(rule))];
  for (const comparison of [...(rule.args ?? [])].reverse())
    code = [...compare(comparison, code.length), ...code];
  return code;
}

/** Passes over `rest` instructions unless it holds. */
function compare({ index, value, valueTwo = 0, op }: SeccompArgument, rest: number): Instruction[] {
  const argument = load(DATA.arguments + 8 * index);
  const constant = Number(value);
  const holds = (code: number): Instruction[] => [argument, { op: code, constant, whenFalse: rest }];
  const fails = (code: number): Instruction[] => [argument, { op: code, constant, whenTrue: rest }];
  switch (op) {
    case "SCMP_CMP_EQ":
      return holds(OP.EQ);
    case "SCMP_CMP_GT":
      return holds(OP.GT);
    case "SCMP_CMP_LT":
      return fails(OP.GE);
    case "SCMP_CMP_MASKED_EQ":
      return [argument, { op: OP.AND, constant }, { op: OP.EQ, constant: Number(valueTwo), whenFalse: rest }];
    default:
      throw new Error(`the default profile has no comparison ${op}`);
  }
}

/** struct sock_filter: __u16 code; __u8 jt, jf; __u32 k. Both architectures are little-endian. */
function encode(program: Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(({ op, constant, whenTrue = 0, whenFalse = 0 }, at) => {
    bytes.writeUInt16LE(op, at * 8);
    bytes.writeUInt8(whenTrue, at * 8 + 2);
    bytes.writeUInt8(whenFalse, at * 8 + 3);
    bytes.writeUInt32LE(constant, at * 8 + 4);
  });
  return bytes;
}
