// The error of a wrong media type.

import { expect, test } from "vitest";
import { toGrpcTrailers } from "../../src/protocols/errors.ts";
import { unsupportedMediaType } from "../../src/protocols/mistakes.ts";

test.for([
  ["text/plain", "text/plain"],
  ["application/x-www-form-urlencoded; charset=utf-8", "application/x-www-form-urlencoded"],
  ["application/grpc+thrift", "application/grpc+thrift"],
  ["json", "not of the form type/subtype"],
  [`text/${"x".repeat(41)}`, "not of the form type/subtype"],
  ["<b>/x", "not of the form type/subtype"],
  ["text/html\u0000", "not of the form type/subtype"],
  ["", "missing"],
  [undefined, "missing"],
] as const)("names what came and what is wanted: %j", ([sent, told]) => {
  const error = unsupportedMediaType(sent, "application/json");
  const message = `the Content-Type is ${told}. Send application/json`;
  expect(error).toMatchObject({ reason: "unsupported_media_type", message });
  // grpc-js decodes by decodeURI, which leaves an escaped slash as it is.
  expect(Object.fromEntries(toGrpcTrailers(error))).toMatchObject({ "Grpc-Message": message });
});

test("gRPC escapes the percent sign and everything that is not printable ASCII", () => {
  const error = unsupportedMediaType("", "100 % grün\n");
  expect(Object.fromEntries(toGrpcTrailers(error))["Grpc-Message"]).toMatch(/Send 100 %25 gr%C3%BCn%0A$/);
});
