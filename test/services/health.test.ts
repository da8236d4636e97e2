// grpc.health.v1.Health by Connect's clients: Check, List and Watch in every protocol.

import { once } from "node:events";
import { connect } from "node:net";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, onTestFinished, test } from "vitest";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../gen/es/health/v1/health_pb.ts";
import { createHealthService } from "../../src/services/health.ts";
import { mount } from "../protocols/mount.ts";
import { scriptedService } from "../protocols/scripted-service.ts";
import { transports } from "../protocols/transports.ts";

const grpc = (baseUrl: string) => createGrpcTransport({ baseUrl });

async function openHealth(createTransport: (typeof transports)[string]) {
  const { spec, drain } = createHealthService([scriptedService()]);
  const listener = await mount(spec);
  onTestFinished(async () => void (await listener.close(0)));
  const client = createClient(Health, createTransport(listener.url));
  const watch = (service: string) => {
    const answers = client.watch({ service })[Symbol.asyncIterator]();
    return async () => (await answers.next()).value?.status;
  };
  return { client, drain, watch, url: listener.url };
}

const NAMES = ["", Health.typeName, AuthService.typeName];

test.each(Object.entries(transports))(
  "%s: Check, List and Watch report a drain, and Watch ends",
  async (_name, way) => {
    const { client, drain, watch } = await openHealth(way);
    for (const service of NAMES) expect((await client.check({ service })).status).toBe(Status.SERVING);
    await expect(client.check({ service: "nobody" })).rejects.toMatchObject({ code: Code.NotFound });
    const [known, unknown] = [watch(AuthService.typeName), watch("nobody")];
    expect([await known(), await unknown()]).toEqual([Status.SERVING, Status.SERVICE_UNKNOWN]);
    drain();
    expect([await known(), await known()]).toEqual([Status.NOT_SERVING, undefined]);
    const late = watch("");
    expect([await late(), await late()]).toEqual([Status.NOT_SERVING, undefined]);
    expect((await client.check({ service: "" })).status).toBe(Status.NOT_SERVING);
    const { statuses } = await client.list({});
    const listed = Object.entries(statuses).map(([name, { status }]) => [name, status]);
    expect(listed).toEqual(NAMES.map((name) => [name, Status.NOT_SERVING]));
  },
);

test("a connection has two Watch calls at a time", async () => {
  const { watch } = await openHealth(grpc);
  const [first, second] = [watch(""), watch("")];
  expect([await first(), await second()]).toEqual([Status.SERVING, Status.SERVING]);
  await expect(watch("")()).rejects.toMatchObject({ code: Code.ResourceExhausted });
});

test.each(["garbage\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"])(
  "a Watch over HTTP/1 ends when other bytes follow it: %j",
  async (later) => {
    const { url } = await openHealth(grpc);
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    const type = "Content-Type: application/grpc-web+proto";
    socket.write(`POST /${Health.typeName}/Watch HTTP/1.1\r\n${type}\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0`);
    await once(socket, "data");
    socket.write(later);
    await once(socket, "close");
  },
);
