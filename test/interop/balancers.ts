// The balancers of examples/balancers in front of two gateways: logins of both kinds, a drain, and no gateway at all.

import { Agent, request } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { credentials } from "@grpc/grpc-js";
import { AuthServiceClient } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import { type LoginBody, signLogin } from "../../src/cli/sign.ts";
import { CUSTOMER_KEY, openGateway, type TestGateway } from "../gateway.ts";
import { type Balancer, type BalancerName, startBalancer } from "../proxies/balancer.ts";
import { installMissing, type Requirement, runs } from "../requirements.ts";
import type { Row } from "./buf.ts";

const BALANCERS: readonly (Requirement & { readonly name: BalancerName })[] = [
  { name: "HAProxy", packages: ["haproxy"], present: () => runs("haproxy", "-v") },
  { name: "nginx", packages: ["nginx"], present: () => runs("nginx", "-v") },
  { name: "Caddy", packages: ["caddy"], present: () => runs("caddy", "version") },
];

/** Longer than the second failed health check takes. */
const DRAIN_DELAY = "4s";
/** Another address than the balancer's own, which the gateways trust. */
const DEVICE_ADDRESS = "127.0.0.2";

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

interface Site {
  readonly balancer: Balancer;
  readonly gateways: readonly [TestGateway, TestGateway];
  readonly post: (login: LoginBody, headers?: Readonly<Record<string, string>>) => Promise<Answer>;
  readonly sign: (deviceKey: string) => LoginBody;
}

/** Rows for each balancer. @param folder for certificates and the database */
export function balancerRows(folder: string, isWanted: (name: string) => boolean): readonly Row[] {
  return BALANCERS.filter(({ name }) => isWanted(`balancer ${name}`)).map((balancer) => ({
    name: `balancer ${balancer.name}`,
    async run() {
      if (installMissing([balancer]).length > 0)
        return [`not run. Type: apt-get install ${balancer.packages.join(" ")}`];
      return checkBalancer(balancer.name, folder);
    },
  }));
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
    let closed: Promise<void> | undefined;
    const close = (): Promise<void> => {
      closed ??= gateway.close();
      return closed;
    };
    cleanup.defer(close);
    return { ...gateway, close };
  };
  const gateways = [await open(), await open()] as const;
  const [one, other] = gateways.map(({ publicUrl }) => new URL(publicUrl).host);
  const balancer = await startBalancer(name, [one ?? "", other ?? ""], folder);
  cleanup.defer(balancer.close);
  const agent = new Agent({ keepAlive: true, maxSockets: 8, ca: balancer.ca });
  cleanup.defer(() => agent.destroy());
  return {
    balancer,
    gateways,
    sign: (deviceKey) => signLogin({ deviceKey, customerKey: CUSTOMER_KEY }, Math.floor(Date.now() / 1000)),
    post: (login, headers = {}) =>
      new Promise((resolve, reject) => {
        const options = { method: "POST", agent, localAddress: DEVICE_ADDRESS, headers };
        const sent = request(new URL("/auth/login", balancer.url), options, (response) => {
          const { statusCode: status = 0, headers: answered } = response;
          text(response).then((body) => resolve({ status, retryAfter: answered["retry-after"], body }), reject);
        });
        sent.once("error", reject);
        sent.end(JSON.stringify(login));
      }),
  };
}

async function checkLogins({ balancer, gateways: [gateway], post, sign }: Site): Promise<string[]> {
  const login = sign(await gateway.enrol());
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

/** Two wrong logins that claim other addresses count against the device's own. */
async function checkAddress({ gateways: [gateway], post, sign }: Site): Promise<string[]> {
  const statuses = new Set<number>();
  // Each gateway counts for itself here.
  for (let claimed = 1; claimed <= 6; claimed++) {
    const login = { ...sign(await gateway.enrol()), device_signature: "0".repeat(64) };
    statuses.add((await post(login, { "X-Forwarded-For": `192.0.2.${claimed}` })).status);
  }
  return statuses.has(429) ? [] : [`a forged X-Forwarded-For was counted: ${[...statuses]}`];
}

/** A gateway drains under load: every login is answered. */
async function checkDrain({ gateways: [gateway, other], post, sign }: Site): Promise<string[]> {
  const devices = await Promise.all(Array.from({ length: 8 }, () => gateway.enrol()));
  const wrong: string[] = [];
  let answered = 0;
  let isDrained = false;
  const load = devices.map(async (deviceKey) => {
    while (!isDrained) {
      const { status, body } = await post(sign(deviceKey)).catch((error: unknown) => ({
        status: 0,
        body: String(error),
      }));
      answered += 1;
      if (status !== 200) wrong.push(`${status} ${body}`);
    }
  });
  await other.close();
  isDrained = true;
  await Promise.all(load);
  return wrong.length === 0 && answered > 100 ? [] : [`${wrong.length} of ${answered} failed in a drain: ${wrong[0]}`];
}

/** Without a gateway the balancer itself answers, as a gateway would. */
async function checkAway({ gateways: [gateway], post, sign }: Site): Promise<string[]> {
  const login = sign(await gateway.enrol());
  await gateway.close();
  const { status, retryAfter, body } = await post(login);
  const wait: unknown = body.startsWith("{") ? JSON.parse(body).retry_after : undefined;
  const isGood = status === 503 && Number(retryAfter) > 0 && String(wait) === retryAfter;
  return isGood ? [] : [`without a gateway: ${status}, Retry-After ${retryAfter}, ${body}`];
}
