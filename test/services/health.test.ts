// grpc.health.v1.Health by Connect's clients: Check, List and Watch in every protocol.

import { Code, createClient } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/es/health/v1/health_pb.ts";
import { createHealthService } from "../../src/services/health.ts";
import { mount } from "../protocols/mount.ts";
import { scriptedService } from "../protocols/scripted-service.ts";
import { transports } from "../protocols/transports.ts";

async function openHealth(createTransport: (typeof transports)[string]) {
  const { spec, drain } = createHealthService([scriptedService()]);
  const listener = await mount(spec);
  onTestFinished(async () => void (await listener.close(0)));
  const client = createClient(Health, createTransport(listener.url));
  const watch = (service: string) => {
    const answers = client.watch({ service })[Symbol.asyncIterator]();
    return async () => (await answers.next()).value?.status;
  };
  return { client, drain, watch };
}

const NAMES = ["", Health.typeName, AuthService.typeName];

test.each(Object.entries(transports))("%s: Check and List report the gateway's services", async (_name, transport) => {
  const { client, drain } = await openHealth(transport);
  for (const service of NAMES) expect((await client.check({ service })).status).toBe(Status.SERVING);
  await expect(client.check({ service: "nobody" })).rejects.toMatchObject({ code: Code.NotFound });
  drain();
  expect((await client.check({ service: "" })).status).toBe(Status.NOT_SERVING);
  const { statuses } = await client.list({});
  expect(Object.entries(statuses).map(([name, { status }]) => [name, status])).toEqual(
    NAMES.map((name) => [name, Status.NOT_SERVING]),
  );
});

test.each(Object.entries(transports))("%s: Watch reports a drain, and ends", async (_name, transport) => {
  const { drain, watch } = await openHealth(transport);
  const [known, unknown] = [watch(AuthService.typeName), watch("nobody")];
  expect([await known(), await unknown()]).toEqual([Status.SERVING, Status.SERVICE_UNKNOWN]);
  drain();
  expect([await known(), await known()]).toEqual([Status.NOT_SERVING, undefined]);
  const late = watch("");
  expect([await late(), await late()]).toEqual([Status.NOT_SERVING, undefined]);
});
