// Peer: the login on node:http or node:https with jose and ioredis alone.

import { readFileSync } from "node:fs";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { createBareLogIn } from "../bare-login.ts";
import { TOKEN_SECONDS } from "../contract.ts";
import { listen, servePeer } from "../serve-peer.ts";

servePeer(async (setup) => {
  const logIn = await createBareLogIn(setup);

  async function handle(body: Buffer, response: ServerResponse): Promise<void> {
    const { device_key, timestamp, device_signature } = JSON.parse(body.toString());
    const outcome = await logIn(device_key, timestamp, device_signature);
    if (outcome.token !== undefined)
      return answer(response, 200, { token: outcome.token, expires_in: TOKEN_SECONDS }, outcome.limits);
    answer(response, outcome.error === "rate_limited" ? 429 : 401, { code: outcome.error }, outcome.limits);
  }

  const serve: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      handle(Buffer.concat(chunks), response).catch(() => answer(response, 500, { code: "internal" }));
    });
  };
  if (setup.tls === undefined) return listen(createServer(serve));
  const pems = { cert: readFileSync(setup.tls.cert), key: readFileSync(setup.tls.key) };
  return listen(createSecureServer(pems, serve), "https");
});

function answer(response: ServerResponse, status: number, content: object, limits?: Record<string, number>): void {
  const body = JSON.stringify(content);
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body),
    ...limits,
  });
  response.end(body);
}
