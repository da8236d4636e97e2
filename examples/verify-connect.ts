// A service on Connect that wants a device's token. DeviceService is generated from devices.proto.
import { createServer } from "node:http";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { createVerifier } from "countersign/verify";
import { identityOf, requireToken } from "countersign/verify/connect";
import { DeviceService } from "./devices_pb.ts";

const { ISSUER = "http://127.0.0.1:8080", AUDIENCE = "devices", PORT = "3000" } = process.env;
const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, onFetchError: console.error });
const handler = connectNodeAdapter({
  interceptors: [requireToken(verifier)],
  routes: (router) =>
    router.service(DeviceService, { whoAmI: (_request, context) => ({ deviceKey: identityOf(context).deviceKey }) }),
});
createServer(handler).listen(Number(PORT), "127.0.0.1");
