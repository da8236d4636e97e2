// Peer: the check of a token on node:http with jose and nothing else: what the work itself costs.

import { createServer } from "node:http";
import { createBareCheck } from "../bare-login.ts";
import { listen, servePeer } from "../serve-peer.ts";

servePeer(async (setup) => {
  const check = await createBareCheck(setup);
  return listen(
    createServer((request, response) => {
      check(String(request.headers["x-access-token"])).then(
        ({ sub, customer_id }) => {
          response.writeHead(200, {
            "X-Device-Key": String(sub),
            "X-Customer-Id": String(customer_id),
            "Content-Length": 0,
          });
          response.end();
        },
        () => {
          response.writeHead(401, { "Content-Length": 0 });
          response.end();
        },
      );
    }),
  );
});
