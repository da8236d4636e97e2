// Peer: the check of a token as a handler of grpc-js's own server, with ts-proto's messages, with jose and nothing else.

import { Server, status } from "@grpc/grpc-js";
import { type TokenServiceServer, TokenServiceService } from "../../gen/grpc/countersign/token/v1/token.ts";
import { createBareCheck } from "../bare-login.ts";
import { bindGrpc, servePeer } from "../serve-peer.ts";

servePeer(async (setup) => {
  const check = await createBareCheck(setup);
  const service: TokenServiceServer = {
    verify({ request }, callback) {
      check(request.token).then(
        ({ sub, customer_id, jti, iat, exp }) =>
          callback(null, {
            device_key: String(sub),
            customer_id: String(customer_id),
            jti: String(jti),
            issue_time: new Date(Number(iat) * 1000),
            expire_time: new Date(Number(exp) * 1000),
          }),
        () => callback({ code: status.UNAUTHENTICATED, details: "invalid" }),
      );
    },
  };

  const server = new Server();
  server.addService(TokenServiceService, service);
  return bindGrpc(server);
});
