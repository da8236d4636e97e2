// Every kind of token check at a gateway. All return the same form of answer.

import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { TokenService } from "../../gen/es/countersign/token/v1/token_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { type CreateTransport, transports } from "../protocols/transports.ts";

/** The identity of a token, `active: false`, or a reason. */
export interface Checked {
  readonly outcome: string;
  readonly deviceKey?: string | undefined;
  readonly customerId?: string | undefined;
}

export interface CheckingGateway {
  readonly publicUrl: string;
  readonly internalUrl: string;
}

type Check = (gateway: CheckingGateway, token: string) => Promise<Checked>;

async function verifyByRest({ internalUrl }: CheckingGateway, token: string): Promise<Checked> {
  const answer = await fetch(`${internalUrl}/v1/tokens:verify`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
  const { reason, device_key: deviceKey, customer_id: customerId } = JSON.parse(await answer.text());
  return answer.ok ? { outcome: "ok", deviceKey, customerId } : { outcome: reason };
}

/** By URL: connecting takes most of the time. */
function verifyBy(createTransport: CreateTransport | undefined): Check {
  const opened = new Map<string, Transport>();
  return async ({ internalUrl }, token) => {
    const transport = opened.get(internalUrl) ?? createTransport?.(internalUrl);
    if (transport === undefined) throw new TypeError("there is no such protocol");
    opened.set(internalUrl, transport);
    try {
      const { deviceKey, customerId } = await createClient(TokenService, transport).verify({ token });
      return { outcome: "ok", deviceKey, customerId };
    } catch (error) {
      const [info] = ConnectError.from(error).findDetails(ErrorInfoSchema);
      return { outcome: info?.reason ?? String(error) };
    }
  };
}

async function introspect({ internalUrl }: CheckingGateway, token: string): Promise<Checked> {
  const answer = await fetch(`${internalUrl}/oauth2/introspect`, {
    method: "POST",
    body: new URLSearchParams({ token, token_type_hint: "access_token" }),
  });
  const { active, reason, sub, customer_id: customerId } = JSON.parse(await answer.text());
  if (!answer.ok) return { outcome: reason };
  return active ? { outcome: "ok", deviceKey: sub, customerId } : { outcome: "inactive" };
}

const checkAt =
  (listener: keyof CheckingGateway, headerOf: (token: string) => Record<string, string>): Check =>
  async (gateway, token) => {
    const answer = await fetch(`${gateway[listener]}/auth/check`, { headers: headerOf(token) });
    const text = await answer.text();
    if (!answer.ok) return { outcome: JSON.parse(text).reason };
    const deviceKey = answer.headers.get("x-device-key") ?? undefined;
    return { outcome: "ok", deviceKey, customerId: answer.headers.get("x-customer-id") ?? undefined };
  };

/** Checks by name. Introspection does not say why a token is inactive. */
export const CHECKS: Readonly<Record<string, Check>> = {
  "Verify over REST": verifyByRest,
  "Verify over Connect": verifyBy(transports["Connect with JSON over HTTP/1.1"]),
  "Verify over gRPC": verifyBy(transports["gRPC"]),
  introspection: introspect,
  "/auth/check, x-access-token": checkAt("publicUrl", (token) => ({ "x-access-token": token })),
  "/auth/check, Authorization": checkAt("publicUrl", (token) => ({ Authorization: `Bearer ${token}` })),
  "/auth/check, internal": checkAt("internalUrl", (token) => ({ "X-Access-Token": token })),
};

/** The answer of every check to a token that is refused for `reason`. */
export function refusedFor(reason: string): Record<string, Checked> {
  return Object.fromEntries(
    Object.keys(CHECKS).map((name) => [name, { outcome: name === "introspection" ? "inactive" : reason }]),
  );
}

/** Runs every check. */
export async function checkAll(gateway: CheckingGateway, token: string): Promise<Record<string, Checked>> {
  const answers = await Promise.all(
    Object.entries(CHECKS).map(async ([name, check]) => [name, await check(gateway, token)] as const),
  );
  return Object.fromEntries(answers);
}
