// A service over HTTP that wants a token, in each framework: started for real, and asked by fetch.

import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import * as expressVerify from "../../src/verify/express.ts";
import * as fastifyVerify from "../../src/verify/fastify.ts";
import * as honoVerify from "../../src/verify/hono.ts";
import { type Answer, listen, SEEN_HEADERS, type StartService } from "./service.ts";

async function fetchAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const body: unknown = text.startsWith("{") ? JSON.parse(text) : text;
  const headers = Object.fromEntries(SEEN_HEADERS.map((name) => [name, response.headers.get(name) ?? undefined]));
  return { status: response.status, headers, body, ...(response.status === 200 ? { deviceKey: text } : {}) };
}

export const startExpress: StartService = async (verifier, options) => {
  const { requireToken, identityOf } = expressVerify;
  const app = express();
  app.use(requireToken(verifier, options));
  app.get("/", (request, response) => response.send(identityOf(request).deviceKey));
  const { url, close } = await listen(app);
  return {
    ask: async (headers) => fetchAnswer(await fetch(url, { headers })),
    close,
  };
};

export const startFastify: StartService = async (verifier, options) => {
  const { requireToken, identityOf } = fastifyVerify;
  const app = fastify();
  app.register((inner, _options, done) => {
    inner.addHook("onRequest", requireToken(verifier, options));
    inner.get("/", async (request) => identityOf(request).deviceKey);
    done();
  });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  return {
    ask: async (headers) => fetchAnswer(await fetch(url, { headers })),
    close: () => app.close(),
  };
};

export const startHono: StartService = async (verifier, options) => {
  const { requireToken, identityOf } = honoVerify;
  const app = new Hono();
  app.use("/", requireToken(verifier, options));
  app.get("/", (context) => context.text(identityOf(context).deviceKey));
  return {
    ask: async (headers) => fetchAnswer(await app.request("/", { headers })),
    close: async () => {},
  };
};
