// Counts the answers and fetches of a verifier while its issuer is away, under a flood of tokens with made-up keys.

import { type Mint, validToken } from "../vectors/forge.ts";
import { newMint, openIssuer, tokenWith, verifierOf } from "./issuer.ts";

/** The verifier's time: real, or advanced by the test. */
export interface Pace {
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Lets a tenth of a second pass. */
  readonly tick: () => Promise<void>;
}

export interface Phase {
  readonly good: number;
  readonly refused: number;
  /** Tokens of made-up keys, and how many of them were accepted. */
  readonly madeUp: number;
  readonly accepted: number;
  readonly fetches: number;
}

export interface Absence {
  readonly there: Phase;
  readonly away: Phase;
  /** Seconds from the issuer's return until a token of its new key was accepted. */
  readonly newKeyAfter: number;
}

const PER_TICK = { good: 4, madeUp: 40 };
const TICKS_A_SECOND = 10;

/** Runs a verifier under a flood, for `seconds` with its issuer, as long without it, and until it is back. */
export async function measureAbsence(seconds: number, { now, tick }: Pace): Promise<Absence> {
  const mint = { ...newMint("key-1"), now: now() };
  const next = { ...newMint("key-2"), now: now() };
  const issuer = await openIssuer(mint);
  let fetches = 0;
  const counted: typeof fetch = (...asked) => {
    fetches += 1;
    return fetch(...asked);
  };
  const verifier = verifierOf(issuer, mint, { now, fetch: counted });
  const countAccepted = async (tokens: readonly string[]): Promise<number> => {
    const outcomes = await Promise.allSettled(tokens.map((token) => verifier.verify(token)));
    return outcomes.filter(({ status }) => status === "fulfilled").length;
  };

  async function phase(): Promise<Phase> {
    fetches = 0;
    let [right, accepted] = [0, 0];
    const ticks = seconds * TICKS_A_SECOND;
    const token = validToken({ ...mint, now: now() });
    for (let at = 0; at < ticks; at += 1) {
      right += await countAccepted(Array(PER_TICK.good).fill(token));
      accepted += await countAccepted(madeUpTokens(mint, at));
      await tick();
    }
    const good = ticks * PER_TICK.good;
    return { good, refused: good - right, madeUp: ticks * PER_TICK.madeUp, accepted, fetches };
  }

  const there = await phase();
  await issuer.stop();
  const away = await phase();
  await issuer.start();
  issuer.publish(mint, next);
  let ticks = 0;
  for (; (await countAccepted([tokenWith(next)])) === 0; ticks += 1) await tick();
  await issuer.stop();
  return { there, away, newKeyAfter: ticks / TICKS_A_SECOND };
}

/** Tokens with made-up kids. They reuse one signature, which a verifier without the key never checks. */
function madeUpTokens(mint: Mint, seed: number): string[] {
  const [, claims, signature] = validToken(mint).split(".");
  return Array.from({ length: PER_TICK.madeUp }, (_, at) => {
    const header = { alg: mint.alg, typ: "JWT", kid: `made-up-${seed}-${at}` };
    return `${Buffer.from(JSON.stringify(header)).toString("base64url")}.${claims}.${signature}`;
  });
}
