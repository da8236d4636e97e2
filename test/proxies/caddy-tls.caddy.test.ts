// Caddy before a gateway that speaks TLS, by the lines of examples/proxies/Caddyfile that are for it.

import { join } from "node:path";
import { makeCertificates } from "../transports/certificates.ts";
import { testGatewayTls } from "./cases.ts";
import { CADDY } from "./proxy.ts";

const folder = makeCertificates({ server: "ecdsa", other: "ecdsa" });
const pair = (name: string) => ({ cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) });

testGatewayTls({ ...CADDY, options: ["the gateway speaks TLS"] }, pair("server"), pair("other"));
