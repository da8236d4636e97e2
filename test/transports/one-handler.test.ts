// The handler is written once: put another in its place, and every protocol answers with that one.

import { createServiceImplSpec } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { type Channel, channels, http2Channels } from "./channels.ts";
import { mount } from "./mount.ts";

const replaced = createServiceImplSpec<typeof AuthService>(AuthService, {
  login: ({ deviceKey }, context) => {
    context.responseHeader.set("X-RateLimit-Limit", "77");
    return { token: `replaced for ${deviceKey}`, expiresIn: 7 };
  },
});

test("a replaced handler is seen by every protocol on both kinds of listener", async () => {
  const { shared, native, close } = await mount(replaced);

  const ask = async ({ open }: Channel, url: string) => {
    const session = open(url);
    const answer = await session.send({ device_key: "d" });
    session.close();
    return answer;
  };
  const answers = await Promise.all([
    ...[...channels, ...http2Channels].map((channel) => ask(channel, shared.url)),
    ...channels.map((channel) => ask(channel, native.url)),
  ]);
  await close();

  const expected = {
    outcome: "ok",
    metadata: {},
    headers: { "x-ratelimit-limit": "77" },
    token: "replaced for d",
    expiresIn: 7,
  };
  expect(answers).toEqual(Array(answers.length).fill(expected));
});
