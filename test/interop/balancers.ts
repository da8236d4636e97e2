// The balancers of examples/balancers in front of two gateways: logins of both kinds, a drain, and no gateway at all.

import { Agent } from "node:https";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { AuthServiceClient } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import type { LoginBody } from "../../src/cli/sign.ts";
import { type HttpAnswer, postJson } from "../ask.ts";
import { openGateway, signNow, type TestGateway } from "../gateway.ts";
import { describeCounts, startLoad } from "../production/load.ts";
import { type Balancer, type BalancerName, startBalancer } from "../proxies/example.ts";
import type { Requirement } from "../requirements.ts";
import { type Row, requiring } from "./rows.ts";

const BALANCERS: readonly (Requirement & { readonly name: BalancerName })[] = [
  { name: "HAProxy", packages: "haproxy", probe: "haproxy -v" },
  { name: "nginx", packages: "nginx", probe: "nginx -v" },
  { name: "Caddy", packages: "caddy", probe: "caddy version" },
];

/** Longer than the second failed health check takes. */
const DRAIN_DELAY = "4s";
/** Another address than the balancer's own, which the gateways trust. */
const DEVICE_ADDRESS = "127.0.0.2";

interface Site {
  readonly balancer: Balancer;
  readonly gateways: readonly [TestGateway, TestGateway];
  readonly post: (login: LoginBody, headers?: Readonly<Record<string, string>>) => Promise<HttpAnswer>;
}

/** Rows for each balancer. @param folder for certificates and the database */
export function balancerRows(folder: string): readonly Row[] {
  return BALANCERS.map((balancer) =>
    requiring(balancer, { name: `balancer ${balancer.name}`, run: () => checkBalancer(balancer.name, folder) }),
  );
}

async function checkBalancer(name: BalancerName, folder: string): Promise<readonly string[]> {
  await using cleanup = new AsyncDisposableStack();
  const site = await openSite(name, folder, cleanup);
  return [
    ...(await checkLogins(site)),
    ...(await checkAddress(site)),
    ...(await checkDrain(site)),
    ...(await checkAway(site)),
  ];
}

async function openSite(name: BalancerName, folder: string, cleanup: AsyncDisposableStack): Promise<Site> {
  const settings = {
    DATA_DIR: join(folder, name),
    TRUSTED_PROXIES: "127.0.0.1",
    ADDRESS_LIMIT: "1/60s",
    LOGIN_LIMIT: "off",
    DRAIN_DELAY,
  };
  const open = async (): Promise<TestGateway> => {
    const gateway = await openGateway(settings, { idleMs: 1_000 });
    cleanup.defer(() => gateway.close());
    return gateway;
  };
  const gateways = [await open(), await open()] as const;
  const [one, other] = gateways.map(({ publicUrl }) => new URL(publicUrl).host);
  const balancer = await startBalancer(name, [one ?? "", other ?? ""], folder);
  cleanup.defer(balancer.close);
  const agent = new Agent({ keepAlive: true, maxSockets: 8, ca: balancer.ca });
  cleanup.defer(() => agent.destroy());
  const options = { agent, localAddress: DEVICE_ADDRESS };
  const url = new URL("/auth/login", balancer.url);
  return { balancer, gateways, post: (login, headers = {}) => postJson(url, login, { ...options, headers }) };
}

async function checkLogins({ balancer, gateways: [gateway], post }: Site): Promise<string[]> {
  const login = signNow(await gateway.enrol());
  const rest = await post(login);
  const client = new AuthServiceClient(new URL(balancer.url).host, credentials.createSsl(Buffer.from(balancer.ca)));
  const { device_key, device_signature } = login;
  const grpc = await new Promise<number>((resolve) =>
    client.login({ device_key, device_signature, timestamp: login.timestamp }, (error) => resolve(error?.code ?? 0)),
  );
  client.close();
  return [
    ...(rest.status === 200 ? [] : [`a REST login got ${rest.status} ${rest.body}`]),
    ...(grpc === 0 ? [] : [`a gRPC login got code ${grpc}`]),
  ];
}

/** Wrong logins that claim other addresses count against the device's real address. */
async function checkAddress({ gateways: [gateway], post }: Site): Promise<string[]> {
  const statuses = new Set<number>();
  // Each gateway counts for itself here.
  for (let claimed = 1; claimed <= 6; claimed++) {
    const login = { ...signNow(await gateway.enrol()), device_signature: "0".repeat(64) };
    statuses.add((await post(login, { "X-Forwarded-For": `192.0.2.${claimed}` })).status);
  }
  return statuses.has(429) ? [] : [`a forged X-Forwarded-For was counted: ${[...statuses]}`];
}

/** A gateway drains under load: every login is answered. */
async function checkDrain({ balancer, gateways: [gateway, other] }: Site): Promise<string[]> {
  const deviceKeys = await Promise.all(Array.from({ length: 8 }, () => gateway.enrol()));
  const load = startLoad({ ...balancer, deviceKeys, connections: 8 });
  await other.close();
  const { logins, counts } = await load.stop();
  const isWhole = logins > 100 && counts.get("right 200") === logins;
  return isWhole ? [] : [`a drain: ${describeCounts(counts)}`];
}

/** Without a gateway the balancer itself answers, as a gateway would. */
async function checkAway({ gateways: [gateway], post }: Site): Promise<string[]> {
  const login = signNow(await gateway.enrol());
  await gateway.close();
  const { status, headers, body } = await post(login);
  const retryAfter = headers["retry-after"]?.[0];
  const wait: unknown = body.startsWith("{") ? JSON.parse(body).retry_after : undefined;
  const isExpected = status === 503 && Number(retryAfter) > 0 && String(wait) === retryAfter;
  return isExpected ? [] : [`without a gateway: ${status}, Retry-After ${retryAfter}, ${body}`];
}
