// Rules for settings that are valid alone and wrong together.

import { type Environment, PREFIX } from "./environment.ts";

/** Limit of a login's response body in bytes: boards parse it in an arena of 1,000. */
const LARGEST_ANSWER = 899;

/** `names` have no effect unless one of `without` is set. */
const NEEDS: readonly {
  readonly names: readonly string[];
  readonly without: readonly string[];
  readonly cure: string;
}[] = [
  { names: ["TLS_CLIENT_CA"], without: ["TLS_CERT", "TLS_KEY"], cure: "Set both" },
  { names: ["FORWARDED_HEADER"], without: ["TRUSTED_PROXIES"], cure: "Set that" },
  {
    names: ["REDIS_CA", "REDIS_CERT", "REDIS_DOWN", "REDIS_CLOCK", "INSTANCES"],
    without: ["REDIS_URL"],
    cure: "Set that",
  },
];

/** A line for each setting that has no effect. */
export function uselessSettings(environment: Environment): readonly string[] {
  const given = (name: string): boolean =>
    Boolean(environment[`${PREFIX}${name}`]) || Boolean(environment[`${PREFIX}${name}_FILE`]);
  return NEEDS.flatMap(({ names, without, cure }) =>
    without.some(given)
      ? []
      : names
          .filter(given)
          .map(
            (name) =>
              `${PREFIX}${name} has no effect without ${without.map((other) => `${PREFIX}${other}`).join(" and ")}. ${cure}, or leave ${PREFIX}${name} out`,
          ),
  );
}

/** A line for each master key or admin token that is set twice. The lines do not contain it. */
export function repeatedSecrets(
  masterKey: Uint8Array | undefined,
  otherMasterKeys: readonly Uint8Array[],
  adminToken: string | undefined,
  otherAdminToken: string | undefined,
): readonly string[] {
  const asText = (key: Uint8Array): string => Buffer.from(key).toString("hex");
  const others = otherMasterKeys.map(asText);
  return [
    ...(masterKey !== undefined && others.includes(asText(masterKey))
      ? [`${PREFIX}OTHER_MASTER_KEYS holds ${PREFIX}MASTER_KEY too. Take it out there`]
      : []),
    ...(new Set(others).size < others.length ? [`${PREFIX}OTHER_MASTER_KEYS holds a key twice. Keep one`] : []),
    ...(adminToken !== undefined && adminToken === otherAdminToken
      ? [`${PREFIX}OTHER_ADMIN_TOKEN is the same as ${PREFIX}ADMIN_TOKEN. Make another, or leave it out`]
      : []),
  ];
}

/** The settings that lengthen a token. */
export interface TokenLength {
  readonly issuer: string;
  readonly audience: string;
  readonly tokenAlg: string;
  readonly tokenType: string;
}

/**
 * A line when the largest login response is too long: the longest device_key, signed with RS256 over RSA-2048. `at+jwt` has the
 * device_key twice, which fits the signatures of the other algorithms.
 */
export function tooLongAnswers({ issuer, audience, tokenAlg, tokenType }: TokenLength): readonly string[] {
  const isPlain = tokenType === "JWT";
  const base64 = (text: string): number => Math.ceil((text.length * 4) / 3);
  const header = JSON.stringify({ alg: "RS256", typ: tokenType, kid: "k".repeat(43) });
  const claims = JSON.stringify({
    iss: issuer,
    sub: "d".repeat(96),
    aud: audience,
    iat: 9_999_999_999,
    exp: 9_999_999_999,
    jti: "j".repeat(20),
    customer_id: "c".repeat(16),
    ...(!isPlain && { client_id: "d".repeat(96) }),
  });
  const token =
    base64(header) + 1 + base64(claims) + 1 + base64("s".repeat(isPlain || tokenAlg === "RS256" ? 256 : 64));
  const excess = token + JSON.stringify({ token: "", expires_in: 86_400 }).length - LARGEST_ANSWER;
  if (excess <= 0) return [];
  const cause = isPlain ? "" : ` with ${PREFIX}TOKEN_TYPE=at+jwt and ${PREFIX}TOKEN_ALG=${tokenAlg}`;
  const cure = isPlain || tokenAlg !== "RS256" ? "" : `. Set ${PREFIX}TOKEN_ALG to ES256 or EdDSA`;
  return [
    `${PREFIX}ISSUER and ${PREFIX}AUDIENCE are too long by ${excess} characters${cause}: a login's response would exceed the ${LARGEST_ANSWER} bytes that boards can read${cure}`,
  ];
}
