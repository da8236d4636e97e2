// Undecodable requests of streaming methods: invalid_argument in every protocol.

import { once } from "node:events";
import { connect } from "node:http2";
import { afterAll, describe, expect, test } from "vitest";
import { createHealthService } from "../../src/services/health.ts";
import { createReflectionServices } from "../../src/services/reflection.ts";
import { envelope, type HandAnswer, sendByHand } from "../protocols/hand.ts";
import { mountAll } from "../protocols/mount.ts";

const faults: unknown[] = [];
const { spec } = createHealthService([]);
const services = [spec, ...createReflectionServices([spec])].map((one) => ({ spec: one }));
const listener = await mountAll(services, { onFault: (error) => faults.push(error) });
afterAll(() => listener.close(0));

const WATCH = "/grpc.health.v1.Health/Watch";
const INFO = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const TYPES = ["grpc", "grpc+json", "grpc-web+proto", "grpc-web+json", "connect+proto", "connect+json"];

const BROKEN = envelope(Buffer.of(0xff));
/** None is a message in protobuf, nor in JSON. */
const CASES = [
  ["half a message", envelope(Buffer.of(0x0a, 5, 1))],
  ["half an object", envelope(Buffer.from("{"))],
  ["an array", envelope(Buffer.from("[]"))],
  ["text that is not UTF-8", envelope(Buffer.of(0x0a, 1, 0xff))],
  ["half an envelope", Buffer.alloc(3)],
  ["a compressed envelope without an encoding", envelope(Buffer.of(1), 1)],
  ["a broken message with 500,000 bytes after it", Buffer.concat([BROKEN, Buffer.alloc(500_000)])],
] as const;

/** The code of an answer: in gRPC's trailers, in gRPC-Web's or Connect's last envelope. */
function codeIn({ headers, trailers, body }: Pick<HandAnswer, "headers" | "trailers" | "body">): string {
  const text = body.toString("latin1");
  const status = trailers["grpc-status"] ?? headers["grpc-status"] ?? /grpc-status: ?(\d+)/i.exec(text)?.[1];
  return String(status ?? /"code":"(\w+)"/.exec(text)?.[1]).replace(/^3$/, "invalid_argument");
}

async function send(version: 1 | 2, path: string, type: string, body: Buffer): Promise<string> {
  const headers = { "content-type": `application/${type}`, te: "trailers" };
  return codeIn(await sendByHand(listener.url, { version, path, headers, body }));
}

test("an error repeats nothing of the message or the timeout", async () => {
  const headers = { "content-type": "application/grpc+json", te: "trailers", "grpc-timeout": "600H" };
  const body = envelope(Buffer.from("STRANGER"));
  const { trailers } = await sendByHand(listener.url, { version: 2, path: WATCH, headers, body });
  expect([trailers["grpc-status"], trailers["grpc-message"]]).toEqual(["3", "the%20message%20cannot%20be%20read"]);
});

describe.each(TYPES)("%s", (type) => {
  test.for(CASES)("%s is invalid_argument", async ([, body]) => {
    for (const path of [WATCH, INFO]) expect(await send(2, path, type, body)).toBe("invalid_argument");
    // gRPC and bidirectional streams need HTTP/2.
    if (/-web|connect/.test(type)) expect(await send(1, WATCH, type, body)).toBe("invalid_argument");
    expect(faults).toEqual([]);
  });
});

/** Opens a call of reflection, whose first message cannot be read. @returns its status once it is answered */
async function openBroken() {
  const session = connect(listener.url);
  const stream = session.request({ ":method": "POST", ":path": INFO, "content-type": "application/grpc" });
  stream.on("error", () => {}).write(BROKEN);
  const [trailers] = await once(stream.resume(), "trailers");
  return { session, stream, status: trailers["grpc-status"] };
}

test("the answer comes while the caller still sends, and the rest is read", async () => {
  const { session, stream, status } = await openBroken();
  expect(status).toBe("3");
  stream.end(Buffer.alloc(500_000));
  await once(stream, "close");
  expect(stream.rstCode).toBe(0);
  session.destroy();
});

test("a caller that disconnects before the end of its request is not a fault", async () => {
  const { session } = await openBroken();
  session.destroy();
  await fetch(listener.url);
  expect(faults).toEqual([]);
});
