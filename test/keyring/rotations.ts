// Successive key rotations at three gateways on one database that issue tokens meanwhile. Two offline verifiers with a cached JWKS
// check the tokens: countersign/verify and a stricter one. All times are scaled by the same factor.

import { setTimeout as pause } from "node:timers/promises";
import { createRemoteJWKSet, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { Environment } from "../../src/config.ts";
import { createIssuerKeys } from "../../src/verify/issuer-keys.ts";
import { CUSTOMER_KEY, logInBy, NO_LIMITS, openGateway, type TestGateway } from "../gateway.ts";
import { sendAtRate } from "../pace.ts";

export interface RotationsOptions {
  readonly rotations: number;
  /** Logins a second, over all gateways. */
  readonly rate: number;
  /** The database that all gateways share. */
  readonly settings: Environment;
}

export interface RotationsReport {
  /** Number of rotations: keys that have signed, less one. */
  readonly rotations: number;
  readonly tokens: number;
  /** Checks by the verifiers, of each token at its issue and at the end of its life. */
  readonly checks: number;
  /**
   * Checks that came too late on a slow machine: they failed after the token had expired. More than one in fifty fails the
   * run.
   */
  readonly late: number;
  /** The failures, a line each. */
  readonly failed: readonly string[];
}

const TTL_S = 2;
const SKEW_S = 1;
/** Scaled max-age of the JWKS. A gateway may learn of a new key a second late, just after a verifier has fetched. */
const JWKS_MS = 1_000;
const PUBLISH_MS = 2_500;
const TIMES = {
  publishMs: PUBLISH_MS,
  // As soon as the next key may sign.
  rotateEveryMs: 1,
  lookMs: 50,
};
const MAX_LATE_SHARE = 0.02;
/** The real max-age of the JWKS, in milliseconds, which is scaled to JWKS_MS. */
const MAX_AGE_MS = 300_000;
/** Time from a login until its token has expired by the slowest clock. */
const LIFE_MS = (TTL_S + SKEW_S) * 1_000;
/** Time of the last check before the end of LIFE_MS. */
const LATE_MS = 300;
/** The issuer of its gateways' tokens. */
const EXPECTED = { issuer: "https://login.example", audience: "devices" };

/** Rotates `rotations` times, and reports. */
export async function runRotations({ rotations, rate, settings }: RotationsOptions): Promise<RotationsReport> {
  await using cleanup = new AsyncDisposableStack();
  const open = async (): Promise<TestGateway> => {
    const gateway = await openGateway({ ...NO_LIMITS, TOKEN_TTL: `${TTL_S}s`, ...settings }, { ringTimes: TIMES });
    cleanup.defer(() => gateway.close());
    return gateway;
  };
  const gateways = [await open(), await open(), await open()] as const;
  const deviceKey = await gateways[0].enrol({ replayGuard: false });
  // Until the other gateways know the new key.
  await pause(1_000);

  let [tokens, checks, late] = [0, 0, 0];
  const kids = new Set<string>();
  const failed: string[] = [];
  const verifiers = [strictKeys(gateways[0]), packageKeys(gateways[1])];

  async function check(token: string, issuedAt: number, when: string): Promise<void> {
    const rules = { ...EXPECTED, currentDate: new Date(issuedAt), clockTolerance: SKEW_S };
    for (const keys of verifiers) {
      const failure = await jwtVerify(token, keys, rules).then(
        ({ protectedHeader }) => void kids.add(protectedHeader.kid ?? ""),
        (error: unknown) => `${when}: ${String(error)}`,
      );
      if (failure !== undefined && Date.now() >= issuedAt + LIFE_MS) {
        late++;
        continue;
      }
      checks++;
      if (failure !== undefined) failed.push(failure);
    }
  }

  async function issue({ publicUrl }: TestGateway): Promise<void> {
    const issuedAt = Date.now();
    const answer = await logInBy(publicUrl, { deviceKey, customerKey: CUSTOMER_KEY });
    const body: { token?: string; message?: string } = JSON.parse(await answer.text());
    if (body.token === undefined) {
      failed.push(`login: ${body.message}`);
      return;
    }
    tokens++;
    await check(body.token, issuedAt, "at once");
    // Checks the claims at the time of issue: this check is about whether the key is still published.
    await pause(Math.max(0, issuedAt + LIFE_MS - LATE_MS - Date.now()));
    await check(body.token, issuedAt, "at the end of its life");
  }

  using load = sendAtRate(rate, (index) =>
    issue(gateways[index % gateways.length] ?? gateways[0]).catch((error: unknown) => {
      failed.push(String(error));
    }),
  );
  while (kids.size <= rotations) await pause(10);
  await load.stop();
  if (late > MAX_LATE_SHARE * (checks + late)) failed.push(`${late} of ${checks + late} checks came too late to tell`);
  return { rotations: kids.size - 1, tokens, checks, late, failed };
}

/** Keys that are fetched only when the cached ones are too old, and not for an unknown kid. */
function strictKeys({ publicUrl }: TestGateway): JWTVerifyGetKey {
  return createRemoteJWKSet(jwksOf(publicUrl), { cacheMaxAge: JWKS_MS, cooldownDuration: Number.POSITIVE_INFINITY });
}

/** The verifier of countersign/verify, with a clock on which each second is five minutes. */
function packageKeys({ publicUrl }: TestGateway): JWTVerifyGetKey {
  return createIssuerKeys({
    url: jwksOf(publicUrl).href,
    maxStaleMs: 0,
    fetch,
    onFetchError: () => {},
    now: () => performance.now() * (MAX_AGE_MS / JWKS_MS),
  });
}

function jwksOf(publicUrl: string): URL {
  return new URL("/.well-known/jwks.json", publicUrl);
}
