// The library's insides that are taken over: where one is missing, a gateway does not start.

import { Server } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { guardStreamAnswers } from "../../src/transports/grpc-refusals.ts";

test.each(["_verifyContentType", "_respondWithError"])("grpc-js without %s is refused by that name", (name) => {
  const guard = (server: Server): void => guardStreamAnswers(server, new Set(), { onRefused: () => {} }, undefined);
  expect(() => guard(new Server())).not.toThrow();
  const changed = Object.assign(new Server(), { [name]: undefined });
  expect(() => guard(changed)).toThrow(new TypeError(`grpc-js has no ${name}: see what took its place`));
});
