// A service on Fastify that wants a device's token.
import { createVerifier } from "countersign/verify";
import { identityOf, requireToken } from "countersign/verify/fastify";
import fastify from "fastify";

const { ISSUER = "http://127.0.0.1:8080", AUDIENCE = "devices", PORT = "3000" } = process.env;
const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, onFetchError: console.error });
const app = fastify();
app.addHook("onRequest", requireToken(verifier));
app.get("/whoami", async (request) => ({ device_key: identityOf(request).deviceKey }));
await app.listen({ port: Number(PORT) });
