// HCL as bake files use it: values, and the tree that a file's text becomes (HCL 2's native syntax and its JSON form).

/** Numbers are doubles; lists, tuples and sets are arrays; maps and objects are Maps. */
export type Value = string | number | boolean | null | Value[] | ValueMap;
export type ValueMap = Map<string, Value>;

export interface Position {
  /** Both from 1. */
  line: number;
  column: number;
}

export interface Range {
  file: string;
  start: Position;
  /** The first place after it. */
  end: Position;
}

export type Expression = { range: Range } & (
  | { kind: "literal"; value: Value }
  | { kind: "template"; parts: TemplatePart[] }
  | { kind: "variable"; name: string }
  | { kind: "attribute"; of: Expression; name: string }
  | { kind: "index"; of: Expression; key: Expression }
  /** `of` for each element, then `each` of it, in which `element` stands for the element. */
  | { kind: "splat"; of: Expression; each: Expression }
  | { kind: "element" }
  | { kind: "call"; name: string; args: Expression[]; expands: boolean }
  | { kind: "conditional"; condition: Expression; yes: Expression; no: Expression }
  | { kind: "binary"; operator: string; left: Expression; right: Expression }
  | { kind: "unary"; operator: string; operand: Expression }
  | { kind: "tuple"; items: Expression[] }
  | { kind: "object"; items: { key: Expression; value: Expression }[] }
  | ForExpression
);

export interface ForExpression {
  kind: "for";
  keyName: string | undefined;
  valueName: string;
  collection: Expression;
  /** Of an object's. */
  key: Expression | undefined;
  value: Expression;
  condition: Expression | undefined;
  /** `...`: values of equal keys are a list. */
  groups: boolean;
}

export type TemplatePart =
  | { kind: "text"; text: string }
  | { kind: "value"; expression: Expression }
  | { kind: "if"; condition: Expression; yes: TemplatePart[]; no: TemplatePart[] }
  | {
      kind: "for";
      keyName: string | undefined;
      valueName: string;
      collection: Expression;
      body: TemplatePart[];
    };

export interface Attribute {
  name: string;
  expression: Expression;
  range: Range;
}

export interface Block {
  type: string;
  labels: string[];
  body: Body;
  /** The block's head. */
  range: Range;
  labelRanges: Range[];
}

export interface Body {
  attributes: Attribute[];
  blocks: Block[];
  range: Range;
}
