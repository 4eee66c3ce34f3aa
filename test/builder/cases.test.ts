// The folders under cases/, each built and held against what Docker's BuildKit made of it: see record-cases.ts.
import { caseTests } from "./cases.ts";

caseTests();
