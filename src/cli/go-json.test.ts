import { expect, test } from "bun:test";
import { parseGoJson } from "./go-json.ts";

// What Go 1.24's encoding/json says of them.
test.each([
  ["{broken", "invalid character 'b' looking for beginning of object key string"],
  ["broken", "invalid character 'b' looking for beginning of value"],
  ["{", "unexpected end of JSON input"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
  ["[1 2]", "invalid character '2' after array element"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ["[1,]", "invalid character ']' looking for beginning of value"],
  ['"a\\x"', "invalid character 'x' in string escape code"],
  ['"a\\u12g"', "invalid character 'g' in \\u hexadecimal character escape"],
  ['"a\nb"', "invalid character '\\n' in string literal"],
  ["-a", "invalid character 'a' in numeric literal"],
  ["1.x", "invalid character 'x' after decimal point in numeric literal"],
  ["trie", "invalid character 'i' in literal true (expecting 'u')"],
  ["'a'", "invalid character '\\'' looking for beginning of value"],
])("%s", (text, message) => {
  expect(() => parseGoJson(text)).toThrow(message);
});

test("what follows the value is seen, not judged", () => {
  expect(parseGoJson('{"a":[1,-2.5e3,"\\u00e9",true,null]} x')).toEqual({
    value: { a: [1, -2500, "é", true, null] },
    trailing: true,
  });
  expect(parseGoJson(" {} \n")).toEqual({ value: {}, trailing: false });
});
