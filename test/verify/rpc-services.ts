// A service of RPC that wants a token, over Connect and grpc-js: started for real, and called by a client of its own kind.

import { create } from "@bufbuild/protobuf";
import { ConnectError, createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createConnectTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { AuthService, LoginResponseSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { AuthServiceClient, AuthServiceService } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import * as connectVerify from "../../src/verify/connect.ts";
import * as grpcVerify from "../../src/verify/grpc-js.ts";
import { bindAnyPort } from "./grpc-server.ts";
import { type Answer, listen, SEEN_HEADERS, type StartService } from "./service.ts";

export const startConnect: StartService = async (verifier, options) => {
  const { requireToken, identityOf } = connectVerify;
  const { url, close } = await listen(
    connectNodeAdapter({
      interceptors: [requireToken(verifier, options)],
      routes: (router) =>
        router.service(AuthService, {
          login: (_request, context) => create(LoginResponseSchema, { token: identityOf(context).deviceKey }),
        }),
    }),
  );
  const client = createClient(AuthService, createConnectTransport({ baseUrl: url, httpVersion: "1.1" }));
  return {
    ask: (headers) =>
      client.login({}, { headers }).then(
        ({ token }) => ({ status: 200, headers: {}, body: undefined, deviceKey: token }),
        (error: unknown) => {
          const { code, rawMessage, metadata, details } = ConnectError.from(error);
          const seen = Object.fromEntries(SEEN_HEADERS.map((name) => [name, metadata.get(name) ?? undefined]));
          return { status: code, headers: seen, body: { message: rawMessage, details } };
        },
      ),
    close,
  };
};

export const startGrpc: StartService = async (verifier, options) => {
  const { requireToken, identityOf } = grpcVerify;
  const server = new grpc.Server({ interceptors: [requireToken(verifier, grpc, options)] });
  server.addService(AuthServiceService, {
    login: (call: grpc.ServerUnaryCall<unknown, unknown>, answer: grpc.sendUnaryData<unknown>) =>
      answer(null, { token: identityOf(call).deviceKey, expires_in: 0 }),
    getServerTime: (_call: unknown, answer: grpc.sendUnaryData<unknown>) => answer(null, {}),
  });
  const client = new AuthServiceClient(await bindAnyPort(server), grpc.credentials.createInsecure());
  const login = (metadata: grpc.Metadata): Promise<Answer> =>
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
      return login(metadata);
    },
    close: async () => {
      client.close();
      server.forceShutdown();
    },
  };
};
