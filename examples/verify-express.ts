// A service on Express that wants a device's token.
import { createVerifier } from "countersign/verify";
import { identityOf, requireToken } from "countersign/verify/express";
import express from "express";

const { ISSUER = "http://127.0.0.1:8080", AUDIENCE = "devices", PORT = "3000" } = process.env;
const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, onFetchError: console.error });
const app = express();
app.use(requireToken(verifier));
app.get("/whoami", (request, response) => void response.json({ device_key: identityOf(request).deviceKey }));
app.listen(Number(PORT), "127.0.0.1");
