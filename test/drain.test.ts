// A gateway that closes: idle connections, requests under way, exit.

import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { expect, onTestFinished, test } from "vitest";
import { createAuthClient } from "../src/client/auth-client.ts";
import { openGateway } from "./gateway.ts";
import { openSocket } from "./http/raw-http.ts";
import { linesOf, serve, temporaryFolder } from "./program.ts";

/** Waits until the internal listener has stopped accepting, as the public one has by then. */
const expectClosed = (internalUrl: string) =>
  expect.poll(() => fetch(new URL("/livez", internalUrl)).catch(() => "closed")).toBe("closed");

/** Sends a request through an agent. @returns whether its connection stays */
async function askBy(agent: Agent, publicUrl: string): Promise<string | undefined> {
  const [response] = await once(request(new URL("/auth/time", publicUrl), { agent }).end(), "response");
  await once(response.resume(), "end");
  return response.headers.connection;
}

/** Times so long that no connection is closed by them during the test; an idle one is closed at once unless it is PATIENT. */
const OPTIONS = { graceMs: 600_000 };
const PATIENT = { ...OPTIONS, idleMs: 600_000 };

test("closes idle connections of every protocol at once", async () => {
  const { publicUrl, internalUrl, close } = await openGateway({}, OPTIONS);
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  await askBy(agent, publicUrl);

  const unused = connectHttp2(publicUrl);
  await once(unused, "connect");
  const used = connectHttp2(publicUrl);
  await once(used.request({ ":path": "/livez" }).resume(), "close");
  const client = createAuthClient({ url: internalUrl });
  onTestFinished(() => client.close());
  await client.getServerTime({});
  await once(openSocket(publicUrl), "connect");

  await close();
  await expect(fetch(new URL("/livez", publicUrl))).rejects.toThrow();
  for (const open of [unused, used]) open.destroy();
});

test("answers requests under way over HTTP/1 and HTTP/2, then closes their connections", async () => {
  const { publicUrl, internalUrl, close } = await openGateway({}, OPTIONS);
  const socket = openSocket(publicUrl);
  socket.write("POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{");
  const session = connectHttp2(publicUrl);
  const stream = session.request({ ":method": "POST", ":path": "/auth/login" });
  stream.write("{");
  // After later answers, the heads of both requests have been read.
  await fetch(new URL("/livez", publicUrl));
  await once(session.request({ ":path": "/livez" }).resume(), "close");
  const closed = close();
  await expectClosed(internalUrl);
  socket.write("}");
  stream.end("}");
  const [[answer], [headers]] = await Promise.all([once(socket, "data"), once(stream, "response")]);
  expect([String(answer).slice(0, 13), headers[":status"]]).toEqual(["HTTP/1.1 400 ", 400]);
  await Promise.all([once(socket, "close"), once(stream.resume(), "close")]);
  await closed;
});

test("announces the end of a kept-alive connection with its next answer", async () => {
  const { publicUrl, internalUrl, close } = await openGateway({}, PATIENT);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  expect(await askBy(agent, publicUrl)).toBe("keep-alive");
  const closed = close();
  await expectClosed(internalUrl);
  expect(await askBy(agent, publicUrl)).toBe("close");
  await closed;
});

test("announces the end of an idle session with its next answer, and answers requests that were sent before", async () => {
  const { publicUrl, internalUrl, close } = await openGateway({}, PATIENT);
  const session = connectHttp2(publicUrl);
  await once(session.request({ ":path": "/livez" }).resume(), "close");
  const closed = close();
  await expectClosed(internalUrl);
  const goaway = once(session, "goaway");
  const streams = [1, 2, 3].map(() => session.request({ ":path": "/livez" }));
  const answers = await Promise.all(streams.map((stream) => once(stream.resume(), "response")));
  expect(answers.map(([headers]) => headers[":status"])).toEqual([200, 200, 200]);
  expect((await goaway)[0]).toBe(0);
  await closed;
});

test("serves for DRAIN_DELAY while readiness is 503, then exits 0, with a log line for each step", async () => {
  const gateway = await serve(temporaryFolder(), { env: { COUNTERSIGN_DRAIN_DELAY: "3s" } });
  const { publicUrl, internalUrl, end } = gateway;
  const readiness = (url: string): Promise<unknown> =>
    fetch(new URL("/readyz", url)).then(async (answer) => [answer.status, await answer.json()]);
  expect(await readiness(publicUrl)).toEqual([200, { status: "ready" }]);
  const ended = end("SIGTERM");
  for (const url of [publicUrl, internalUrl]) {
    await expect.poll(() => readiness(url)).toEqual([503, { status: "draining" }]);
    expect((await fetch(new URL("/auth/time", url))).status).toBe(200);
  }
  expect(await ended).toBe(0);
  const messages = linesOf(gateway).map(({ msg }) => msg);
  expect(messages.slice(-4)).toEqual([
    "draining: readiness is 503, logins are still answered",
    "draining: listeners are closed, each connection ends with its next answer",
    "drained: every connection has ended",
    "stopped",
  ]);
});
