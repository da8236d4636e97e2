// Peer: the same login as a handler of grpc-js, with ts-proto's messages.

import { Metadata, Server, ServerCredentials, status } from "@grpc/grpc-js";
import { type AuthServiceServer, AuthServiceService } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import { createBareLogIn } from "../bare-login.ts";
import { TOKEN_SECONDS } from "../contract.ts";
import { servePeer } from "../serve-peer.ts";

servePeer(async (setup) => {
  const logIn = await createBareLogIn(setup);
  const service: AuthServiceServer = {
    login(call, callback) {
      const { device_key, timestamp, device_signature } = call.request;
      logIn(device_key, timestamp ?? 0, device_signature).then(
        (outcome) => {
          const metadata = new Metadata();
          for (const [name, value] of Object.entries(outcome.limits)) metadata.set(name, String(value));
          call.sendMetadata(metadata);
          if (outcome.token !== undefined) return callback(null, { token: outcome.token, expires_in: TOKEN_SECONDS });
          const code = outcome.error === "rate_limited" ? status.RESOURCE_EXHAUSTED : status.UNAUTHENTICATED;
          callback({ code, details: outcome.error });
        },
        () => callback({ code: status.INTERNAL, details: "internal" }),
      );
    },
    getServerTime(_call, callback) {
      callback(null, { server_time: Math.floor(Date.now() / 1000) });
    },
  };

  const server = new Server();
  server.addService(AuthServiceService, service);
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(`http://127.0.0.1:${port}`) : reject(error),
    );
  });
});
