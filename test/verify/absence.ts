// Verifiers while their issuer is away, and under a flood of tokens with made-up keys: counted.

import type { Verifier } from "../../src/verify/exports.ts";
import { goodToken, type Mint } from "../vectors/forge.ts";
import { newMint, openIssuer, tokenWith, verifierOf } from "./issuer.ts";

/** Time as the verifiers have it: real, or moved along by the test. */
export interface Pace {
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Lets a tenth of a second go by. */
  readonly tick: () => Promise<void>;
}

export interface Phase {
  readonly seconds: number;
  readonly good: number;
  readonly refused: number;
  /** Tokens of made-up keys, of which so many were accepted. */
  readonly madeUp: number;
  readonly accepted: number;
  /** Fetches that the verifier which fetched most often has begun. */
  readonly fetches: number;
}

export interface Absence {
  readonly there: Phase;
  readonly away: Phase;
  /** Seconds from its return until a token of a key that is new with it was accepted. */
  readonly newKeyAfter: number;
}

const VERIFIERS = 2;
const PER_TICK = { good: 2, madeUp: 20 };
const TICKS_A_SECOND = 10;

/** Two verifiers for so many seconds with their issuer and as many without it, under a flood, and until it is back. */
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
    const token = goodToken({ ...mint, now: now() });
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

/** Another signature would cost the test more than it costs a verifier, which looks at none of them. */
function madeUpTokens(mint: Mint, seed: number): string[] {
  const [, claims, signature] = goodToken(mint).split(".");
  return Array.from({ length: PER_TICK.madeUp }, (_, at) => {
    const header = { alg: mint.alg, typ: "JWT", kid: `made-up-${seed}-${at}` };
    return `${Buffer.from(JSON.stringify(header)).toString("base64url")}.${claims}.${signature}`;
  });
}
