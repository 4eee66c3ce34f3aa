// What looks like a secret: names of ARG and ENV as BuildKit judges them, and values by the marks that services put on
// their credentials so that they can be found.

const SECRET_NAME =
  /(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)/i;
const HARMLESS_NAME = /(?:_|^)public(?:_|$)/i;

/** `API_KEY`, `token`, `db_PASSWORD`; not `PUBLIC_KEY`, not `MONKEY`. */
export const isSecretName = (name: string): boolean => SECRET_NAME.test(name) && !HARMLESS_NAME.test(name);

const VALUES: readonly (readonly [kind: string, mark: RegExp])[] = [
  ["an AWS access key", /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/],
  ["a GitHub token", /\bgh[pousr]_[A-Za-z0-9]{36}/],
  ["a GitHub token", /\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}/],
  ["a GitLab token", /\bglpat-[A-Za-z0-9_-]{20}/],
  ["an npm token", /\bnpm_[A-Za-z0-9]{36}/],
  ["a PyPI token", /\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50}/],
  ["a Docker Hub token", /\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{27}/],
  ["a Slack token", /\bxox[abeoprs]-[A-Za-z0-9-]{10}/],
  ["a Stripe key", /\b[rs]k_live_[A-Za-z0-9]{20}/],
  ["a Google API key", /\bAIza[A-Za-z0-9_-]{35}/],
  ["a private key", /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----/],
];

/** What credential the value looks like, `a GitHub token`; undefined: none that is known. */
export const secretKind = (value: string): string | undefined =>
  VALUES.find(([, mark]) => mark.test(value))?.[0];
