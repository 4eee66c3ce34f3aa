import { expect, test } from "bun:test";
import data from "./cases/data.json";
import expected from "./cases/expected.json";
import { compileTemplate, structOf, TypedNil } from "./index.ts";

// What Docker's CLI made of each template (cases/record.ts), over the same data.

const context = {
  Name: "sample",
  Metadata: { Name: "sample", Metadata: { Description: "", AdditionalFields: data } },
};

/** Where we mean to differ: the recorded data is untyped Go, and what we format is Docker's typed structures. */
const DIFFERENCES: Record<string, { output?: string; error?: RegExp; because: string }> = {
  "{{@name.more}}": {
    error: /in type string$/,
    because: "a text of a Docker structure is a string, not an interface {}",
  },
  '{{join @list ", "}}': { output: "c, a, b", because: "lists of texts are []string in Docker's structures" },
  '{{join @none ", "}}': { output: "", because: "an empty list may be a []string" },
  '{{join @nothing ", "}}': { output: "", because: "a nil list is a nil []string" },
  '{{join @mixed ","}}': {
    output: "s,true,<nil>,1.5,[in],map[k:v]",
    because: "a list is taken for a []string",
  },
  "{{eq @list @list}}": {
    error: /non-comparable type \[c a b\]: \[\]string$/,
    because: "a list of texts is a []string",
  },
  '{{printf "%T %T %T %T %T" @name 1 1.5 @yes @list}}': {
    output: "string int float64 bool []string",
    because: "a list of texts is a []string",
  },
};

for (const { template, output, error } of expected as {
  template: string;
  output?: string;
  error?: string;
}[]) {
  const difference = DIFFERENCES[template.replaceAll(".Metadata.Metadata.AdditionalFields.", "@")];
  test(template, () => {
    const wantOutput = difference ? difference.output : output;
    const wantError = difference ? difference.error : error;
    if (wantError !== undefined) expect(() => compileTemplate(template)(context)).toThrow(wantError);
    else expect(compileTemplate(template)(context)).toBe(wantOutput as string);
  });
}

test("a structure prints its fields in their order, and a key that it lacks is an error", () => {
  const state = structOf(
    { Status: "running", Running: true, Health: new TypedNil("pointer", "*container.Health") },
    "container.State",
  );
  expect(compileTemplate("{{.State}}")({ State: state })).toBe("{running true <nil>}");
  expect(() => compileTemplate("{{.State.Nope}}")({ State: state })).toThrow(
    'template parsing error: template: :1:8: executing "" at <.State.Nope>: can\'t evaluate field Nope in type container.State',
  );
});

test("nil slices and maps print as empty ones", () => {
  const nils = { Cmd: new TypedNil("slice", "[]string"), Labels: new TypedNil("map", "map[string]string") };
  expect(
    compileTemplate(
      '{{.Cmd}} {{.Labels}} {{len .Cmd}} {{join .Cmd ","}}{{index .Labels "a"}}{{range .Cmd}}x{{end}}',
    )(nils),
  ).toBe("[] map[] 0 ");
});

test("a label that is missing is an empty text, as in a map[string]string", () => {
  expect(compileTemplate('[{{index .Labels "none"}}]')({ Labels: { a: "1" } })).toBe("[]");
});

test("missing keys are errors where that is asked", () => {
  expect(() => compileTemplate("{{.A.B}}", { missingKey: "error" })({ A: {} })).toThrow(
    'map has no entry for key "B"',
  );
});

test("the first of Id and ID that is there", () => {
  expect(compileTemplate("{{.ID}}")({ Id: "x" })).toBe("x");
});

test("a template that calls itself without end is stopped", () => {
  expect(() => compileTemplate('{{define "T"}}{{template "T"}}{{end}}{{template "T"}}')({})).toThrow(
    "exceeded maximum template depth",
  );
});
