// "did you mean": the nearest known word to a misspelt one, by BuildKit's rule (util/suggest): fewer than three
// single-character edits, the nearest of all.

const TOO_FAR = 3;

/** Edits from one word to the other, given up at `TOO_FAR`. */
function distance(from: string, to: string): number {
  const [a, b] = [[...from], [...to]];
  if (Math.abs(a.length - b.length) >= TOO_FAR) return TOO_FAR;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[column]! + 1, current[column - 1]! + 1));
    }
    if (Math.min(...current) >= TOO_FAR) return TOO_FAR;
    previous = current;
  }
  return Math.min(previous[b.length]!, TOO_FAR);
}

const lettersOf = (word: string): string => [...word].sort().join("");

/** Longer than any word of the language: a name of this length is not compared, so that garbage costs nothing. */
const LONGEST = 256;
/** Options that are looked at: more are nobody's to remember, and compared with each unknown name they'd take long. */
const MOST = 1000;

/**
 * The option nearest to `word`; undefined when none is near, or when `word` is itself one of them. Of several equally
 * near one of the same letters, else the first (BuildKit: any). With `ignoreCase` the answer is written in the word's own case.
 */
export function nearest(word: string, options: Iterable<string>, ignoreCase = false): string | undefined {
  if (word.length > LONGEST) return undefined;
  const wanted = ignoreCase ? word.toLowerCase() : word;
  let [found, best]: [string | undefined, number] = [undefined, TOO_FAR];
  let seen = 0;
  for (const option of options) {
    if (++seen > MOST) break;
    const candidate = ignoreCase ? option.toLowerCase() : option;
    if (candidate === wanted) return undefined;
    const edits = distance(wanted, candidate);
    const swapped = edits === best && best < TOO_FAR && lettersOf(candidate) === lettersOf(wanted);
    if (edits < best || swapped) [found, best] = [candidate, edits];
  }
  if (found !== undefined && ignoreCase && word === word.toUpperCase() && word !== word.toLowerCase())
    return found.toUpperCase();
  return found;
}

/** The message, with ` (did you mean …?)` where there is something near. */
export function didYouMean(
  message: string,
  word: string,
  options: Iterable<string>,
  ignoreCase = false,
): string {
  const found = nearest(word, options, ignoreCase);
  return found ? `${message} (did you mean ${found}?)` : message;
}
