// Each balancer of examples/balancers passes logins on to two gateways.

import type { OutgoingHttpHeaders } from "node:http";
import { Agent } from "node:https";
import { credentials } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { AuthServiceClient } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import type { LoginBody } from "../../src/cli/sign.ts";
import { postJson } from "../ask.ts";
import { signNow, startTestGateway } from "../gateway.ts";
import { startLoad } from "../production/load.ts";
import { temporaryFolder } from "../program.ts";
import { startBalancer } from "../proxies/proxy.ts";
import { install } from "./programs.ts";

/** Another address than the balancer's own, which the gateways trust. */
const DEVICE_ADDRESS = "127.0.0.2";

test.each([
  { name: "HAProxy", packages: "haproxy", probe: "haproxy -v" },
  { name: "nginx", packages: "nginx", probe: "nginx -v" },
  { name: "Caddy", packages: "caddy", probe: "caddy version" },
] as const)(
  "$name passes on logins of REST and gRPC, loses none in a drain, and answers without a gateway",
  async (requirement) => {
    install(requirement);
    const folder = temporaryFolder();
    // The delay is longer than the second failed health check takes.
    const limits = { ADDRESS_LIMIT: "1/60s", LOGIN_LIMIT: "off", DRAIN_DELAY: "4s" };
    const settings = { DATA_DIR: folder, TRUSTED_PROXIES: "127.0.0.1", ...limits };
    const gateway = await startTestGateway(settings, { idleMs: 1_000 });
    const other = await startTestGateway(settings, { idleMs: 1_000 });
    const hosts = [new URL(gateway.publicUrl).host, new URL(other.publicUrl).host] as const;
    const balancer = await startBalancer(requirement.name, hosts, folder);
    onTestFinished(balancer.close);
    const agent = new Agent({ keepAlive: true, maxSockets: 8, ca: balancer.ca });
    onTestFinished(() => agent.destroy());
    const post = (login: LoginBody, headers: OutgoingHttpHeaders = {}) =>
      postJson(new URL("/auth/login", balancer.url), login, { agent, localAddress: DEVICE_ADDRESS, headers });

    const login = signNow(await gateway.enrol());
    expect(await post(login)).toMatchObject({ status: 200 });
    const client = new AuthServiceClient(new URL(balancer.url).host, credentials.createSsl(Buffer.from(balancer.ca)));
    onTestFinished(() => client.close());
    const error = await new Promise((resolve) => client.login(login, resolve));
    expect(error).toBeNull();

    // Wrong logins that claim other addresses count against the device's real address, at each gateway.
    const statuses = new Set<number>();
    for (let claimed = 1; claimed <= 6; claimed++) {
      const wrong = { ...signNow(await gateway.enrol()), device_signature: "0".repeat(64) };
      statuses.add((await post(wrong, { "X-Forwarded-For": `192.0.2.${claimed}` })).status);
    }
    expect(statuses).toContain(429);

    const deviceKeys = await Promise.all(Array.from({ length: 8 }, () => gateway.enrol()));
    const load = startLoad(balancer, deviceKeys, { connections: 8 });
    await other.close();
    const { logins, counts } = await load.stop();
    expect(logins).toBeGreaterThan(100);
    expect(counts).toBe(`${logins} right 200`);

    const late = signNow(await gateway.enrol());
    await gateway.close();
    const { status, headers, body } = await post(late);
    const [retryAfter] = headers["retry-after"] ?? [];
    expect([status, JSON.parse(body).retry_after]).toEqual([503, Number(retryAfter)]);
    expect(Number(retryAfter)).toBeGreaterThan(0);
  },
);
