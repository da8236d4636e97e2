// Key rotations, one after another, at three gateways on one database that issue tokens all the while, checked by two offline
// verifiers that keep the JWKS, that of countersign/verify and a stricter one: times are scaled, what they have to do with each
// other is not.

import { setTimeout as pause } from "node:timers/promises";
import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey, jwtVerify } from "jose";
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
  /** Keys that have signed, less the first. */
  readonly rotations: number;
  readonly tokens: number;
  /** Checks by the verifiers: of each token when it was issued, and at the end of its life. */
  readonly checks: number;
  /**
   * Checks that failed when the token had expired by any clock within the skew, and so tell nothing: this machine was too slow to make
   * them before. One in fifty at most, or the run fails.
   */
  readonly late: number;
  /** The failures, a line each. */
  readonly failed: readonly string[];
  /** How often the verifiers fetched the JWKS. */
  readonly fetches: number;
}

const TTL_S = 2;
const SKEW_S = 1;
/** Another gateway may hear of a new key a second late, and a verifier may have fetched just before that: a second longer. */
const JWKS_MS = 1_000;
const PUBLISH_MS = 2_500;
const TIMES = {
  publishMs: PUBLISH_MS,
  // As soon as the next key may.
  rotateEveryMs: 1,
  lookMs: 50,
};
const MAX_LATE_SHARE = 0.02;
/** The gateway says that its JWKS is fresh for so long, in milliseconds; here that is JWKS_MS. */
const MAX_AGE_MS = 300_000;
/** From a login to when its token has expired by the slowest clock. */
const LIFE_MS = (TTL_S + SKEW_S) * 1_000;
/** So long before that it is checked for the last time. */
const LATE_MS = 300;
/** The issuer of its gateways' tokens. */
const EXPECTED = { issuer: "https://login.example", audience: "devices" };

/** Rotates until so many keys have signed, and reports. */
export async function runRotations({ rotations, rate, settings }: RotationsOptions): Promise<RotationsReport> {
  await using cleanup = new AsyncDisposableStack();
  const open = async (): Promise<TestGateway> => {
    const gateway = await openGateway({ ...NO_LIMITS, TOKEN_TTL: `${TTL_S}s`, ...settings }, { ringTimes: TIMES });
    cleanup.defer(() => gateway.close());
    return gateway;
  };
  const gateways = [await open(), await open(), await open()] as const;
  const deviceKey = await gateways[0].enrol({ replayGuard: false });
  // As the others hear of it.
  await pause(1_000);

  let [tokens, checks, late, fetches] = [0, 0, 0, 0];
  const kids = new Set<string>();
  const failed: string[] = [];
  const counted: typeof fetch = (...asked) => {
    fetches++;
    return fetch(...asked);
  };
  const verifiers = [patientKeys(gateways[0], counted), ownKeys(gateways[1], counted)];

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
    // Its claims are judged by when it was issued: what is checked here is whether its key is still to be had.
    await pause(Math.max(0, issuedAt + LIFE_MS - LATE_MS - Date.now()));
    await check(body.token, issuedAt, "at the end of its life");
  }

  using load = sendAtRate(rate, (place) =>
    issue(gateways[place % gateways.length] ?? gateways[0]).catch((error: unknown) => {
      failed.push(String(error));
    }),
  );
  while (kids.size <= rotations) await pause(10);
  await load.stop();
  if (late > MAX_LATE_SHARE * (checks + late)) failed.push(`${late} of ${checks + late} checks came too late to tell`);
  return { rotations: kids.size - 1, tokens, checks, late, failed, fetches };
}

/** Keys that are fetched when those there are are too old, and never for a kid that is unknown. */
function patientKeys({ publicUrl }: TestGateway, counted: typeof fetch): JWTVerifyGetKey {
  return createRemoteJWKSet(jwksOf(publicUrl), {
    cacheMaxAge: JWKS_MS,
    cooldownDuration: Number.POSITIVE_INFINITY,
    [customFetch]: counted,
  });
}

/** The keys of countersign/verify, to which each second here is five minutes. */
function ownKeys({ publicUrl }: TestGateway, counted: typeof fetch): JWTVerifyGetKey {
  return createIssuerKeys({
    url: jwksOf(publicUrl).href,
    maxStaleMs: 0,
    fetch: counted,
    onFetchError: () => {},
    now: () => performance.now() * (MAX_AGE_MS / JWKS_MS),
  });
}

function jwksOf(publicUrl: string): URL {
  return new URL("/.well-known/jwks.json", publicUrl);
}
