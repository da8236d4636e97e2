// `npm run key-rotations [-- --rotations 100 --rate 30]`: offline verifiers check tokens while three gateways rotate signing keys.
// Exits 1 when a check failed, or more than a few came too late.

import { setTimeout as pause } from "node:timers/promises";
import { createRemoteJWKSet, jwtVerify } from "jose";
import type { Environment } from "../../src/config.ts";
import { createIssuerKeys } from "../../src/verify/issuer-keys.ts";
import { CUSTOMER_KEY, logInBy, NO_LIMITS, openGateway, type TestGateway } from "../gateway.ts";
import { onBothDatabases, type Result, readNumbers } from "../long-run.ts";
import { sendAtRate } from "../pace.ts";

const TTL_S = 2;
const SKEW_S = 1;
/** The max-age of the JWKS, and the scaled one. A gateway may learn of a new key a second late, just after a verifier has fetched. */
const MAX_AGE_MS = 300_000;
const JWKS_MS = 1_000;
/** A next key signs as soon as it may. */
const RING_TIMES = { publishMs: 2_500, rotateEveryMs: 1, lookMs: 50 };
/** Time from a login until its token has expired by the slowest clock, and of the last check before that. */
const LIFE_MS = (TTL_S + SKEW_S) * 1_000;
const LATE_MS = 300;
/** Checks that fail after the token has expired came too late, on a slow machine. */
const MAX_LATE_SHARE = 0.02;

/** Rotates `rotations` times, under `rate` logins a second over all gateways. Each token is checked at once and at the end of its life. */
export async function rotateSigningKeys(rotations: number, rate: number, settings: Environment): Promise<Result> {
  await using cleanup = new AsyncDisposableStack();
  const all = { ...NO_LIMITS, TOKEN_TTL: `${TTL_S}s`, ...settings };
  const open = (): Promise<TestGateway> => openGateway(all, { ringTimes: RING_TIMES });
  const gateways = [await open(), await open(), await open()] as const;
  for (const { close } of gateways) cleanup.defer(close);
  const deviceKey = await gateways[0].enrol({ replayGuard: false });
  // Until the other gateways know the new key.
  await pause(1_000);

  let [tokens, checks, late] = [0, 0, 0];
  const kids = new Set<string>();
  const mistakes: string[] = [];
  const jwksOf = ({ publicUrl }: TestGateway): URL => new URL("/.well-known/jwks.json", publicUrl);
  const verifiers = [
    // Fetches only when the cached keys are too old, and not for an unknown kid.
    createRemoteJWKSet(jwksOf(gateways[0]), { cacheMaxAge: JWKS_MS, cooldownDuration: Number.POSITIVE_INFINITY }),
    // The verifier of countersign/verify, with a clock on which each second is five minutes.
    createIssuerKeys({
      url: jwksOf(gateways[1]).href,
      maxStaleMs: 0,
      fetch,
      onFetchError: () => {},
      now: () => performance.now() * (MAX_AGE_MS / JWKS_MS),
    }),
  ];

  /** Checks the claims at the time of issue: later checks are about whether the key is still published. */
  async function check(token: string, issuedAt: number): Promise<void> {
    const expected = { issuer: "https://login.example", audience: "devices" };
    const rules = { ...expected, currentDate: new Date(issuedAt), clockTolerance: SKEW_S };
    for (const keys of verifiers) {
      try {
        const { protectedHeader } = await jwtVerify(token, keys, rules);
        kids.add(protectedHeader.kid ?? "");
        checks++;
      } catch (error) {
        const age = Date.now() - issuedAt;
        if (age >= LIFE_MS) late++;
        else mistakes.push(`a token of ${age} ms: ${error}`);
      }
    }
  }

  async function issue({ publicUrl }: TestGateway): Promise<void> {
    const issuedAt = Date.now();
    const answer = await logInBy(publicUrl, { deviceKey, customerKey: CUSTOMER_KEY });
    const { token, message } = JSON.parse(await answer.text());
    if (token === undefined) throw new Error(`login: ${message}`);
    tokens++;
    await check(token, issuedAt);
    await pause(Math.max(0, issuedAt + LIFE_MS - LATE_MS - Date.now()));
    await check(token, issuedAt);
  }

  using load = sendAtRate(rate, (index) =>
    issue(gateways[index % gateways.length] ?? gateways[0]).catch((error: unknown) => {
      mistakes.push(String(error));
    }),
  );
  while (kids.size <= rotations) await pause(10);
  await load.stop();
  if (late > MAX_LATE_SHARE * (checks + late)) mistakes.push(`${late} checks came too late, and ${checks} in time`);
  const line = `${rotations} rotations, ${tokens} tokens issued, ${checks} checks in time, ${late} too late, ${mistakes.length} failed`;
  return { line, mistakes };
}

if (process.argv[1] === import.meta.filename) {
  const number = readNumbers({ rotations: 100, rate: 30 });
  await onBothDatabases((settings) => rotateSigningKeys(number("rotations"), number("rate"), settings));
}
