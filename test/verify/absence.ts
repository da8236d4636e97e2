// Measures a verifier under a flood while its issuer is away.

import { encodeJson, headerOf, validToken } from "../vectors/forge.ts";
import { newMint, openIssuer, tokenWith, verifierOf } from "./issuer.ts";

const TICKS_A_SECOND = 10;
/** Tokens of each tick. */
const [VALID, MADE_UP] = [4, 40];

/**
 * Runs a verifier for `seconds` with its issuer, as long without it, and until it is back.
 * @param now the verifier's time, in Unix milliseconds
 * @param tick lets a tenth of a second pass
 */
export async function measureAbsence(seconds: number, now: () => number, tick: () => Promise<void>) {
  const mint = { ...newMint("key-1"), now: now() };
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
  // One signature for all: a verifier without the key never checks it.
  const [, claims, signature] = validToken(mint).split(".");

  async function runPhase() {
    let [refused, accepted] = [0, 0];
    fetches = 0;
    const token = validToken({ ...mint, now: now() });
    for (let at = 0; at < seconds * TICKS_A_SECOND; at += 1) {
      refused += VALID - (await countAccepted(Array(VALID).fill(token)));
      const kids = Array.from({ length: MADE_UP }, (_, index) => `made-up-${at}-${index}`);
      const flood = kids.map((kid) => `${encodeJson({ ...headerOf(mint), kid })}.${claims}.${signature}`);
      accepted += await countAccepted(flood);
      await tick();
    }
    return { refused, accepted, fetches };
  }

  const there = await runPhase();
  await issuer.stop();
  const away = await runPhase();
  await issuer.start();
  const next = { ...newMint("key-2"), now: now() };
  issuer.publish(mint, next);
  let ticks = 0;
  for (; (await countAccepted([tokenWith(next)])) === 0; ticks += 1) await tick();
  await issuer.stop();
  return { there, away, newKeyAfterS: ticks / TICKS_A_SECOND };
}
