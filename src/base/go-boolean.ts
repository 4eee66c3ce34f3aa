// Texts that say yes or no, as Go's strconv.ParseBool reads them: in options, filters and queries.

const YES = /^(?:1|t|T|TRUE|true|True)$/;
const NO = /^(?:0|f|F|FALSE|false|False)$/;

/** Undefined for a text that is neither. */
export function goBoolean(text: string): boolean | undefined {
  if (YES.test(text)) return true;
  return NO.test(text) ? false : undefined;
}

/** What Go says of such a text. */
export const notGoBoolean = (text: string): string =>
  `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`;
