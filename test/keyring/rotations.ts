// Key rotations, one after another, at three gateways on one database that issue tokens all the while, checked by two offline
// verifiers that keep the JWKS, that of countersign/verify and a stricter one: times are scaled, what they have to do with each
// other is not.

import { setTimeout as pause } from "node:timers/promises";
import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { Environment } from "../../src/config.ts";
import { createIssuerKeys } from "../../src/verify/issuer-keys.ts";
import { CUSTOMER_KEY, logInBy, openGateway, type TestGateway } from "../gateway.ts";

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
/** A login takes as long as the machine lets it: only the verifiers' skew is scaled. */
const LIMITS = { LOGIN_LIMIT: "off", ADDRESS_LIMIT: "off", FAILURE_LIMIT: "off" };

/** Rotates until so many keys have signed, and reports. */
export async function runRotations({ rotations, rate, settings }: RotationsOptions): Promise<RotationsReport> {
  const all = { ...LIMITS, TOKEN_TTL: `${TTL_S}s`, ...settings };
  const gateways: TestGateway[] = [];
  try {
    for (let count = 0; count < 3; count++) gateways.push(await openGateway(all, { ringTimes: TIMES }));
    const [one, two] = gateways;
    if (one === undefined || two === undefined) throw new TypeError("there are three");
    const deviceKey = await one.enrol({ replayGuard: false });
    // As the others hear of it.
    await pause(1_000);
    return await issueAndCheck({
      gateways,
      verifiers: [patientVerifier(one), ownVerifier(two)],
      deviceKey,
      rotations,
      rate,
    });
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.close()));
  }
}

interface Verifier {
  /** Whether a key that is published signed it, and it was good at `at`, in unix milliseconds. @returns its kid */
  check(token: string, at: number): Promise<string>;
  fetches(): number;
}

/** One that fetches the keys when those it has are too old, and never for a kid that it does not know. */
function patientVerifier({ publicUrl }: TestGateway): Verifier {
  let fetches = 0;
  const keys = createRemoteJWKSet(jwksOf(publicUrl), {
    cacheMaxAge: JWKS_MS,
    cooldownDuration: Number.POSITIVE_INFINITY,
    [customFetch](...asked) {
      fetches++;
      return fetch(...asked);
    },
  });
  return { check: checkBy(keys), fetches: () => fetches };
}

/** The keys of countersign/verify, to which each second here is five minutes. */
function ownVerifier({ publicUrl }: TestGateway): Verifier {
  let fetches = 0;
  const keys = createIssuerKeys({
    url: jwksOf(publicUrl).href,
    maxStaleMs: 0,
    fetch(...asked) {
      fetches++;
      return fetch(...asked);
    },
    onFetchError: () => {},
    now: () => performance.now() * (MAX_AGE_MS / JWKS_MS),
  });
  return { check: checkBy(keys), fetches: () => fetches };
}

function checkBy(keys: JWTVerifyGetKey): Verifier["check"] {
  return async (token, at) => {
    const { protectedHeader } = await jwtVerify(token, keys, {
      ...EXPECTED,
      currentDate: new Date(at),
      clockTolerance: SKEW_S,
    });
    return protectedHeader.kid ?? "";
  };
}

function jwksOf(publicUrl: string): URL {
  return new URL("/.well-known/jwks.json", publicUrl);
}

interface Run {
  readonly gateways: readonly TestGateway[];
  readonly verifiers: readonly Verifier[];
  readonly deviceKey: string;
  readonly rotations: number;
  readonly rate: number;
}

async function issueAndCheck({ gateways, verifiers, deviceKey, rotations, rate }: Run): Promise<RotationsReport> {
  const kids = new Set<string>();
  const failed: string[] = [];
  const calls: Promise<void>[] = [];
  let tokens = 0;
  let checks = 0;
  let late = 0;

  async function check(token: string, issuedAt: number, when: string): Promise<void> {
    for (const verifier of verifiers) {
      const failure = await verifier.check(token, issuedAt).then(
        (kid) => void kids.add(kid),
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

  async function issue(gateway: TestGateway): Promise<void> {
    const issuedAt = Date.now();
    const answer = await logInBy(gateway.publicUrl, { deviceKey, customerKey: CUSTOMER_KEY });
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

  for (let count = 0; kids.size <= rotations; count++) {
    const gateway = gateways[count % gateways.length];
    if (gateway === undefined) break;
    calls.push(
      issue(gateway).catch((error: unknown) => {
        failed.push(String(error));
      }),
    );
    await pause(1_000 / rate);
  }
  await Promise.all(calls);
  if (late > MAX_LATE_SHARE * (checks + late)) failed.push(`${late} of ${checks + late} checks came too late to tell`);
  const fetches = verifiers.reduce((sum, verifier) => sum + verifier.fetches(), 0);
  return { rotations: kids.size - 1, tokens, checks, late, failed, fetches };
}
