// A service that wants a token, in each framework: started for real, and asked by a client of its own kind.

import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createConnectTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { AuthService, LoginResponseSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { AuthServiceClient, AuthServiceService } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import * as connectVerify from "../../src/verify/connect.ts";
import type { Verifier } from "../../src/verify/exports.ts";
import * as expressVerify from "../../src/verify/express.ts";
import * as fastifyVerify from "../../src/verify/fastify.ts";
import * as grpcVerify from "../../src/verify/grpc-js.ts";
import * as honoVerify from "../../src/verify/hono.ts";
import type { RequireTokenOptions } from "../../src/verify/sent-token.ts";

export type SentHeaders = Readonly<Record<string, string>>;

/** What a service says: whose request it was, or why it is refused, in the form of its protocol. */
export interface Answer {
  readonly deviceKey?: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: unknown;
}

export interface Service {
  ask(headers: SentHeaders): Promise<Answer>;
  /** Asks where `requireToken` was not put before the handler. @returns what the handler threw */
  askOpen(): Promise<string>;
  close(): Promise<unknown>;
}

export type StartService = (verifier: Verifier, options?: RequireTokenOptions) => Promise<Service>;

const SEEN_HEADERS = ["www-authenticate", "retry-after", "content-type"];

async function fetchAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const body: unknown = text.startsWith("{") ? JSON.parse(text) : text;
  const headers = Object.fromEntries(SEEN_HEADERS.map((name) => [name, response.headers.get(name) ?? undefined]));
  return { status: response.status, headers, body, ...(response.status === 200 ? { deviceKey: text } : {}) };
}

async function listen(listener: RequestListener): Promise<{ url: string; close: () => Promise<unknown> }> {
  const server: Server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("it listens on a port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close() {
      server.close();
      server.closeAllConnections();
      return once(server, "close");
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const startExpress: StartService = async (verifier, options) => {
  const { requireToken, identityOf } = expressVerify;
  const app = express();
  app.get("/open", (request, response) => {
    try {
      response.send(identityOf(request).deviceKey);
    } catch (error) {
      response.send(messageOf(error));
    }
  });
  app.use(requireToken(verifier, options));
  app.get("/", (request, response) => response.send(identityOf(request).deviceKey));
  const { url, close } = await listen(app);
  return {
    ask: async (headers) => fetchAnswer(await fetch(url, { headers })),
    askOpen: async () => (await fetch(`${url}/open`)).text(),
    close,
  };
};

const startFastify: StartService = async (verifier, options) => {
  const { requireToken, identityOf } = fastifyVerify;
  const app = fastify();
  app.get("/open", async (request) => {
    try {
      return identityOf(request).deviceKey;
    } catch (error) {
      return messageOf(error);
    }
  });
  app.register((inner, _options, done) => {
    inner.addHook("onRequest", requireToken(verifier, options));
    inner.get("/", async (request) => identityOf(request).deviceKey);
    done();
  });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  return {
    ask: async (headers) => fetchAnswer(await fetch(url, { headers })),
    askOpen: async () => (await fetch(`${url}/open`)).text(),
    close: () => app.close(),
  };
};

const startHono: StartService = async (verifier, options) => {
  const { requireToken, identityOf } = honoVerify;
  const app = new Hono();
  app.get("/open", (context) => {
    try {
      return context.text(identityOf(context).deviceKey);
    } catch (error) {
      return context.text(messageOf(error));
    }
  });
  app.use("/", requireToken(verifier, options));
  app.get("/", (context) => context.text(identityOf(context).deviceKey));
  return {
    ask: async (headers) => fetchAnswer(await app.request("/", { headers })),
    askOpen: async () => (await app.request("/open")).text(),
    close: async () => {},
  };
};

const startConnect: StartService = async (verifier, options) => {
  const { requireToken, identityOf } = connectVerify;
  const serve = (adapter: Partial<Parameters<typeof connectNodeAdapter>[0]>): ReturnType<typeof listen> =>
    listen(
      connectNodeAdapter({
        routes: (router) =>
          router.service(AuthService, {
            login: (_request, context) => create(LoginResponseSchema, { token: identityOf(context).deviceKey }),
          }),
        ...adapter,
      }),
    );
  let bug = "";
  const { url, close } = await serve({ interceptors: [requireToken(verifier, options)] });
  const open = await serve({
    interceptors: [
      (next) => (request) =>
        next(request).catch((error: unknown) => {
          bug = messageOf(error);
          throw error;
        }),
    ],
  });
  const clientOf = (baseUrl: string) =>
    createClient(AuthService, createConnectTransport({ baseUrl, httpVersion: "1.1" }));
  return {
    ask: (headers) =>
      clientOf(url)
        .login({}, { headers })
        .then(
          ({ token }) => ({ status: 200, headers: {}, body: undefined, deviceKey: token }),
          (error: unknown) => {
            const { code, rawMessage, metadata, details } = ConnectError.from(error);
            const seen = Object.fromEntries(SEEN_HEADERS.map((name) => [name, metadata.get(name) ?? undefined]));
            return { status: code, headers: seen, body: { message: rawMessage, details } };
          },
        ),
    askOpen: async () => {
      await clientOf(open.url)
        .login({})
        .catch(() => {});
      return bug;
    },
    close: () => Promise.all([close(), open.close()]),
  };
};

const startGrpc: StartService = async (verifier, options) => {
  const { requireToken, identityOf } = grpcVerify;
  const serve = async (
    serverOptions: grpc.ServerOptions,
  ): Promise<{ client: AuthServiceClient; close: () => void }> => {
    const server = new grpc.Server(serverOptions);
    server.addService(AuthServiceService, {
      login: (call: grpc.ServerUnaryCall<unknown, unknown>, answer: grpc.sendUnaryData<unknown>) => {
        try {
          answer(null, { token: identityOf(call).deviceKey, expires_in: 0 });
        } catch (error) {
          answer({ code: grpc.status.INTERNAL, details: messageOf(error) });
        }
      },
      getServerTime: (_call: unknown, answer: grpc.sendUnaryData<unknown>) => answer(null, {}),
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    const client = new AuthServiceClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    return {
      client,
      close() {
        client.close();
        server.forceShutdown();
      },
    };
  };
  const service = await serve({ interceptors: [requireToken(verifier, grpc, options)] });
  const open = await serve({});
  const login = (client: AuthServiceClient, metadata: grpc.Metadata): Promise<Answer> =>
    new Promise((resolve) => {
      client.login({ device_key: "", device_signature: "", timestamp: undefined }, metadata, (error, answer) => {
        if (error === null) resolve({ status: 0, headers: {}, body: undefined, deviceKey: answer.token });
        else {
          const header = (name: string): string | undefined => error.metadata.get(name)[0]?.toString();
          const headers = Object.fromEntries(SEEN_HEADERS.map((name) => [name, header(name)]));
          const details = error.metadata.get("grpc-status-details-bin");
          resolve({ status: error.code, headers, body: { message: error.details, details } });
        }
      });
    });
  return {
    ask: (headers) => {
      const metadata = new grpc.Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      return login(service.client, metadata);
    },
    askOpen: async () => {
      const { body } = await login(open.client, new grpc.Metadata());
      return typeof body === "object" && body !== null && "message" in body ? String(body.message) : "";
    },
    close: async () => {
      service.close();
      open.close();
    },
  };
};

export interface Framework {
  readonly name: string;
  readonly start: StartService;
  /** HTTP's status of a refusal, or the code of gRPC and Connect. */
  readonly unauthenticated: number;
  readonly unavailable: number;
}

const HTTP = { unauthenticated: 401, unavailable: 503 };
const RPC = { unauthenticated: Code.Unauthenticated, unavailable: Code.Unavailable };

export const FRAMEWORKS: readonly Framework[] = [
  { name: "express", start: startExpress, ...HTTP },
  { name: "fastify", start: startFastify, ...HTTP },
  { name: "hono", start: startHono, ...HTTP },
  { name: "connect", start: startConnect, ...RPC },
  { name: "grpc-js", start: startGrpc, ...RPC },
];
