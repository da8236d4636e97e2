// Settings that are right each alone and wrong together. Knows their names, and not how they are read.

import { type Environment, PREFIX } from "./environment.ts";

/** Boards read the whole answer to a login into 1,000 bytes. */
const LARGEST_ANSWER = 899;

/** Settings that are of no use without another: those names without any of these. */
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

/** Settings of no use without others, a line each. */
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
              `${PREFIX}${name} is of no use without ${without.map((other) => `${PREFIX}${other}`).join(" and ")}. ${cure}, or leave ${PREFIX}${name} out`,
          ),
  );
}

/** Master keys that are the same, and admin tokens that are, a line each. None is repeated. */
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

/** Whether a login's answer would be too long: that of the longest device_key, signed RS256 over RSA-2048. */
export function tooLongAnswers(issuer: string, audience: string): readonly string[] {
  const base64 = (text: string): number => Math.ceil((text.length * 4) / 3);
  const header = JSON.stringify({ alg: "RS256", typ: "JWT", kid: "k".repeat(43) });
  const claims = JSON.stringify({
    iss: issuer,
    sub: "d".repeat(96),
    aud: audience,
    iat: 9_999_999_999,
    exp: 9_999_999_999,
    jti: "j".repeat(20),
    customer_id: "c".repeat(16),
  });
  const token = base64(header) + 1 + base64(claims) + 1 + base64("s".repeat(256));
  const excess = token + JSON.stringify({ token: "", expires_in: 86_400 }).length - LARGEST_ANSWER;
  return excess > 0
    ? [
        `${PREFIX}ISSUER and ${PREFIX}AUDIENCE are too long by ${excess} characters: a login's answer would exceed the ${LARGEST_ANSWER} bytes that boards can read`,
      ]
    : [];
}
