// A device's token, sent to a service: here the gateway's own check. As the demo device of `npm start`, in the checkout:
//
//   (umask 077; node -p 'JSON.parse(fs.readFileSync("data/demo-device")).customer_key' >data/customer-key)
//   export DEVICE_KEY=$(node -p 'JSON.parse(fs.readFileSync("data/demo-device")).device_key')
//   export CUSTOMER_KEY_FILE=$PWD/data/customer-key
//
// Then `node grpc-client.ts` where the package is installed. GATEWAY_URL says where else the gateway is.

import { readFileSync } from "node:fs";
import { createTokenSource } from "countersign/grpc";

const { GATEWAY_URL: url = "http://127.0.0.1:9090", DEVICE_KEY: deviceKey, CUSTOMER_KEY_FILE: keyFile } = process.env;
if (!deviceKey || !keyFile) throw new Error("set DEVICE_KEY, and CUSTOMER_KEY_FILE to the file that its secret is in");

const source = createTokenSource({ url, deviceKey, customerKey: readFileSync(keyFile) });
const response = await fetch(`${url}/auth/check`, { headers: await source.headers() });
process.stdout.write(`${response.status} ${response.headers.get("x-device-key")}\n`);
