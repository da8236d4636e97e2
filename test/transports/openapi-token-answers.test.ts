// Answers to checks of tokens against the OpenAPI document: every kind that is documented comes, and no other.

import { createServiceImplSpec } from "@connectrpc/connect";
import { afterAll, beforeAll } from "vitest";
import { TokenService } from "../../gen/es/countersign/token/v1/token_pb.ts";
import { AuthError } from "../../src/core/errors.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { TOKEN_MESSAGE_BYTES } from "../../src/services/token.ts";
import { CUSTOMER_KEY, logInBy, openGateway, type TestGateway } from "../gateway.ts";
import { type Mounted, mountThrowing } from "./mount.ts";
import { type Case, describeAnswers } from "./openapi-cases.ts";

const NOW = 1_764_000_000_000;
const clock = { now: NOW };
let gateway: TestGateway;
let away: Mounted;
let broken: Mounted;

beforeAll(async () => {
  gateway = await openGateway({ TOKEN_ALG: "ES256" }, { now: () => clock.now });
  const token = {
    spec: createServiceImplSpec<typeof TokenService>(TokenService, {}),
    maxMessageBytes: TOKEN_MESSAGE_BYTES,
  };
  away = await mountThrowing(new AuthError("unavailable", "the registry is away", { retryAfterMs: 1_000 }), token);
  broken = await mountThrowing(new TypeError("a bug"), token);
});
afterAll(async () => {
  for (const one of [gateway, away, broken]) await one.close();
});

function verify(body: unknown, url = gateway.internalUrl, type = "application/json"): Promise<Response> {
  return fetch(new URL("/v1/tokens:verify", url), {
    method: "POST",
    headers: { "Content-Type": type },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

async function logIn(): Promise<{ token: string; deviceKey: string }> {
  const deviceKey = await gateway.enrol();
  const answer = await logInBy(gateway.publicUrl, { deviceKey, customerKey: CUSTOMER_KEY }, NOW / 1000);
  const { token } = JSON.parse(await answer.text());
  return { token, deviceKey };
}

const cases: readonly Case[] = [
  ["ok", async () => verify({ token: (await logIn()).token })],
  ["malformed", () => verify({})],
  ["malformed", () => verify("{")],
  ["invalid", () => verify({ token: "none" })],
  [
    "expired",
    async () => {
      const { token } = await logIn();
      clock.now = NOW + 600_000;
      const answer = await verify({ token });
      clock.now = NOW;
      return answer;
    },
  ],
  [
    "revoked",
    async () => {
      const { token, deviceKey } = await logIn();
      await gateway.registry.devices.revokeTokens(deviceKey, GATEWAY);
      return verify({ token });
    },
  ],
  ["too_large", () => verify("x".repeat(TOKEN_MESSAGE_BYTES + 1))],
  ["unsupported_media_type", () => verify("token", undefined, "text/plain")],
  ["unavailable", () => verify({ token: "any" }, away.shared.url)],
  ["internal", () => verify({ token: "any" }, broken.shared.url)],
];

describeAnswers([{ operation: "TokenService_Verify", name: "internal", own: cases }]);
