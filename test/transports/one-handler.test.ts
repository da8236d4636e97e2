// The handler is written once: put another in its place, and every protocol answers with that one.

import { createServiceImplSpec } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { createConnect } from "../../src/transports/connect.ts";
import { createDispatch } from "../../src/transports/dispatch.ts";
import { createDocuments } from "../../src/transports/documents.ts";
import { createGrpc } from "../../src/transports/grpc.ts";
import { createHttp2 } from "../../src/transports/http2.ts";
import { listen } from "../../src/transports/listener.ts";
import { createRest } from "../../src/transports/rest.ts";
import { type Channel, channels, http2Channels } from "./channels.ts";

const replaced = createServiceImplSpec<typeof AuthService>(AuthService, {
  login: ({ deviceKey }, context) => {
    context.responseHeader.set("X-RateLimit-Limit", "77");
    return { token: `replaced for ${deviceKey}`, expiresIn: 7 };
  },
});

test("a replaced handler is seen by every protocol on both kinds of listener", async () => {
  const options = { services: [{ spec: replaced }], onRefused: () => {}, onFault: () => {}, now: () => 0 };
  const handle = createDispatch({
    documents: createDocuments({}, options),
    connect: createConnect(options),
    rest: createRest(options),
    onFault: () => {},
  });
  const place = { host: "127.0.0.1", port: 0, handle, onFault: () => {} };
  const everything = await listen({ ...place, http2: createHttp2(handle) });
  const native = await listen({ ...place, http2: createGrpc(options) });

  const ask = async ({ open }: Channel, url: string) => {
    const session = open(url);
    const answer = await session.send({ device_key: "d" });
    session.close();
    return answer;
  };
  const answers = await Promise.all([
    ...[...channels, ...http2Channels].map((channel) => ask(channel, everything.url)),
    ...channels.map((channel) => ask(channel, native.url)),
  ]);
  await Promise.all([everything.close(1_000), native.close(1_000)]);

  const expected = {
    outcome: "ok",
    metadata: {},
    headers: { "x-ratelimit-limit": "77" },
    token: "replaced for d",
    expiresIn: 7,
  };
  expect(answers).toEqual(Array(answers.length).fill(expected));
});
