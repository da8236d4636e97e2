// Peer: the same login as a handler of Connect's adapter on node:http.

import { createServer } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { AuthService } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { createBareLogIn } from "../bare-login.ts";
import { TOKEN_SECONDS } from "../contract.ts";
import { listen, servePeer } from "../serve-peer.ts";

servePeer(async (setup) => {
  const logIn = await createBareLogIn(setup);
  return listen(
    createServer(
      connectNodeAdapter({
        routes: (router) => {
          router.service(AuthService, {
            async login({ deviceKey, timestamp, deviceSignature }, { responseHeader }) {
              const outcome = await logIn(deviceKey, Number(timestamp), deviceSignature);
              for (const [name, value] of Object.entries(outcome.limits)) responseHeader.set(name, String(value));
              if (outcome.token !== undefined) return { token: outcome.token, expiresIn: TOKEN_SECONDS };
              const code = outcome.error === "rate_limited" ? Code.ResourceExhausted : Code.Unauthenticated;
              throw new ConnectError(outcome.error, code);
            },
          });
        },
      }),
    ),
  );
});
