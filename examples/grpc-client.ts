// A device's token, sent to a service that has the gateway check it. Set GATEWAY_URL, DEVICE_KEY and CUSTOMER_KEY_FILE.

import { readFileSync } from "node:fs";
import { createTokenClient, createTokenSource } from "countersign/grpc";

const { GATEWAY_URL: url = "http://127.0.0.1:9090", DEVICE_KEY: deviceKey = "", CUSTOMER_KEY_FILE = "" } = process.env;

const source = createTokenSource({ url, deviceKey, customerKey: readFileSync(CUSTOMER_KEY_FILE) });
const headers = await source.headers(); // for fetch: { "x-access-token": "…" }

const gateway = createTokenClient({ url });
const device = await gateway.verify(headers["x-access-token"]);
process.stdout.write(`${device.deviceKey} until ${device.expiresAt.toISOString()}\n`);
