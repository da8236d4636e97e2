// Counts the answers and fetches of verifiers while their issuer is away, under a flood of tokens with made-up keys.

import type { Verifier } from "../../src/verify/exports.ts";
import { type Mint, validToken } from "../vectors/forge.ts";
import { newMint, openIssuer, tokenWith, verifierOf } from "./issuer.ts";

/** The verifiers' time: real, or advanced by the test. */
export interface Pace {
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Lets a tenth of a second pass. */
  readonly tick: () => Promise<void>;
}

export interface Phase {
  readonly seconds: number;
  readonly good: number;
  readonly refused: number;
  /** Tokens of made-up keys, and how many of them were accepted. */
  readonly madeUp: number;
  readonly accepted: number;
  /** The most fetches that one verifier began. */
  readonly fetches: number;
}

export interface Absence {
  readonly there: Phase;
  readonly away: Phase;
  /** Seconds from the issuer's return until a token of its new key was accepted. */
  readonly newKeyAfter: number;
}

const VERIFIERS = 2;
const PER_TICK = { good: 2, madeUp: 20 };
const TICKS_A_SECOND = 10;

/** Runs two verifiers under a flood, for `seconds` with their issuer, as long without it, and until it is back. */
export async function measureAbsence(seconds: number, { now, tick }: Pace): Promise<Absence> {
  const mint = { ...newMint("key-1"), now: now() };
  const next = { ...newMint("key-2"), now: now() };
  const issuer = await openIssuer(mint);
  const fetches = new Array<number>(VERIFIERS).fill(0);
  const verifiers = fetches.map((_, at) =>
    verifierOf(issuer, mint, {
      now,
      fetch: (input, init) => {
        fetches[at] = (fetches[at] ?? 0) + 1;
        return fetch(input, init);
      },
    }),
  );

  async function phase(): Promise<Phase> {
    fetches.fill(0);
    const counts = { good: 0, refused: 0, madeUp: 0, accepted: 0 };
    const token = validToken({ ...mint, now: now() });
    for (let ticks = 0; ticks < seconds * TICKS_A_SECOND; ticks += 1) {
      const good = await outcomes(verifiers, Array(PER_TICK.good).fill(token));
      const madeUp = await outcomes(verifiers, madeUpTokens(mint, ticks));
      counts.good += good.length;
      counts.refused += good.filter((accepted) => !accepted).length;
      counts.madeUp += madeUp.length;
      counts.accepted += madeUp.filter(Boolean).length;
      await tick();
    }
    return { seconds, ...counts, fetches: Math.max(...fetches) };
  }

  const there = await phase();
  await issuer.stop();
  const away = await phase();
  await issuer.start();
  issuer.publish(mint, next);
  let ticks = 0;
  while ((await outcomes(verifiers, [tokenWith(next)])).includes(false)) {
    await tick();
    ticks += 1;
  }
  await issuer.stop();
  return { there, away, newKeyAfter: ticks / TICKS_A_SECOND };
}

/** Whether each verifier accepts each token. */
async function outcomes(verifiers: readonly Verifier[], tokens: readonly string[]): Promise<boolean[]> {
  const checks = verifiers.flatMap((verifier) => tokens.map((token) => verifier.verify(token)));
  return (await Promise.allSettled(checks)).map(({ status }) => status === "fulfilled");
}

/** Tokens with made-up kids. They reuse one signature, which a verifier without the key never checks. */
function madeUpTokens(mint: Mint, seed: number): string[] {
  const [, claims, signature] = validToken(mint).split(".");
  return Array.from({ length: PER_TICK.madeUp }, (_, at) => {
    const header = { alg: mint.alg, typ: "JWT", kid: `made-up-${seed}-${at}` };
    return `${Buffer.from(JSON.stringify(header)).toString("base64url")}.${claims}.${signature}`;
  });
}
