// Names of containers: what is allowed, and made-up ones like `bold_newton` for those who give none.
import { invalid } from "../base/errors.ts";

const ALLOWED = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

const MOODS =
  `able agile alert amber apt astute awake balmy bold brave bright brisk calm candid careful cheery civil
clean clear clever cosmic cosy crisp curious dapper daring deft distant dreamy eager early earnest easy elated epic even
exact fair famous fast fine firm fluent fond frank free fresh gentle giddy glad golden grand happy hardy hearty honest
hopeful humble hushed ideal jaunty jolly jovial joyful just keen kind lasting light lively loyal lucid lucky mellow merry
mild mindful modest moral neat nimble noble open patient placid plucky polite proud prudent quick quiet quirky radiant
rapid ready robust rustic sane secure serene sharp shiny silent simple sincere sleek smart snug sober solid sound spry
stable steady stoic strong sturdy subtle sunny sure swift tender thrifty tidy tough trim true upbeat vast vivid warm wary
wise witty worthy young zealous zesty`.split(/\s+/);

/** People of science, computing and mathematics. */
const PEOPLE =
  `abel agnesi ampere archimedes avogadro babbage bardeen becquerel bell bernoulli bessel bohr boltzmann
boole born bose boyle brahe brahmagupta cantor carson carver cauchy cavendish chandrasekhar church clarke copernicus
coulomb crick curie dalton darwin davinci dedekind descartes diffie dijkstra dirac doppler edison einstein engelbart
eratosthenes erdos euclid euler faraday fermat fermi feynman fibonacci fourier franklin galileo galois galvani gauss
germain gibbs goddard godel goldberg goodall hamilton hawking heisenberg hertz hilbert hipparchus hodgkin
hollerith hooke hopper hubble huygens hypatia jacobi joule kalman kelvin kepler khwarizmi kirchhoff knuth kolmogorov
kovalevskaya lagrange lamarr laplace lavoisier leavitt leibniz liskov lorentz lovelace mach maxwell mayer mccarthy
mcclintock meitner mendel mendeleev mercator michelson minkowski mirzakhani moore morse napier nash newton nightingale
nobel noether ohm pascal pasteur pauli payne peano perlman planck poincare poisson ptolemy pythagoras ramanujan rayleigh
riemann ritchie rontgen rubin rutherford sagan schrodinger shannon sinoussi somerville stokes stroustrup tesla thales
thompson torvalds turing volta wallace watt weierstrass wiles wing wozniak wright wu yalow`.split(/\s+/);

/** The name without its slash. Errors: invalid, in Docker's words. */
export function checkName(name: string): string {
  const bare = name.startsWith("/") ? name.slice(1) : name;
  if (!ALLOWED.test(bare))
    throw invalid(`Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  return bare;
}

/** A name that nobody has; after a few tries one with a digit, at last the short id, which is free for certain. */
export function makeName(taken: (name: string) => boolean, id: string): string {
  for (let attempt = 0; attempt < 6; attempt++) {
    const name = `${pick(MOODS)}_${pick(PEOPLE)}${attempt > 1 ? Math.floor(Math.random() * 10) : ""}`;
    if (!taken(name)) return name;
  }
  return id.slice(0, 12);
}

const pick = (words: readonly string[]): string => words[Math.floor(Math.random() * words.length)] as string;
