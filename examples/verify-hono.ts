// A service on Hono that wants a device's token.
import { serve } from "@hono/node-server";
import { createVerifier } from "countersign/verify";
import { identityOf, requireToken } from "countersign/verify/hono";
import { Hono } from "hono";

const { ISSUER = "http://127.0.0.1:8080", AUDIENCE = "devices", PORT = "3000" } = process.env;
const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, onFetchError: console.error });
const app = new Hono();
app.use(requireToken(verifier));
app.get("/whoami", (context) => context.json({ device_key: identityOf(context).deviceKey }));
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(PORT) });
