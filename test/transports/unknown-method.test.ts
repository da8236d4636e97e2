// A method that nobody has: unimplemented, with its reason, to every kind of client.

import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { AdminService, CreateCustomerRequestSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { ErrorInfoSchema } from "../../gen/es/google/rpc/error_details_pb.ts";
import { startTestGateway } from "../gateway.ts";

test("AdminService does not answer on the public listener, in any protocol", async () => {
  const { publicUrl: baseUrl } = await startTestGateway();
  const transports = [
    createConnectTransport({ baseUrl, httpVersion: "1.1" }),
    createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
    createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
    createGrpcTransport({ baseUrl }),
  ];
  for (const transport of transports) {
    const failure = await createClient(AdminService, transport)
      .createCustomer(create(CreateCustomerRequestSchema))
      .catch(ConnectError.from);
    if (!(failure instanceof ConnectError)) throw new Error("it answered");
    expect(failure.code).toBe(Code.Unimplemented);
    expect(failure.rawMessage).toMatch(/^there is (no such method|nothing at this path) on this listener$/);
  }
  const grpc = await createClient(AdminService, createGrpcTransport({ baseUrl }))
    .createCustomer(create(CreateCustomerRequestSchema))
    .catch(ConnectError.from);
  const details = grpc instanceof ConnectError ? grpc.findDetails(ErrorInfoSchema) : [];
  expect(details.map(({ reason }) => reason)).toEqual(["not_found"]);
});
