// A service on grpc-js that wants a device's token.
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { createVerifier } from "countersign/verify";
import { identityOf, requireToken } from "countersign/verify/grpc-js";

const { ISSUER = "http://127.0.0.1:8080", AUDIENCE = "devices", PORT = "3000" } = process.env;
const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, onFetchError: console.error });
const whoAmI: grpc.handleUnaryCall<object, object> = (call, answer) =>
  answer(null, { deviceKey: identityOf(call).deviceKey });

const definition = loadSync(`${import.meta.dirname}/devices.proto`)["example.v1.DeviceService"];
const server = new grpc.Server({ interceptors: [requireToken(verifier, grpc)] });
server.addService(definition as grpc.ServiceDefinition, { whoAmI });
server.bindAsync(`127.0.0.1:${PORT}`, grpc.ServerCredentials.createInsecure(), () => {});
