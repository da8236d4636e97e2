// How a token is put to a server that checks it, and how it says whose it is. Knows the contract, and no server.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { VerifyRequestSchema, VerifyResponseSchema } from "../gen/es/countersign/token/v1/token_pb.ts";
import { encodeFrame, openGrpcTo } from "./grpc-lanes.ts";
import { encodeGet, openHttp1Heads } from "./http1-lanes.ts";
import type { OpenLanes } from "./lane.ts";

export interface CheckDialect {
  readonly encode: (token: string) => Buffer;
  /** The device that the answer names; undefined where it names none. */
  readonly decode: (answer: Buffer) => string | undefined;
  readonly open: OpenLanes;
}

const DEVICE = /\r\nx-device-key: *(\S+)/i;

/** `GET /auth/check`. */
export const FORWARD_AUTH: CheckDialect = {
  encode: (token) => encodeGet("/auth/check", `x-access-token: ${token}\r\n`),
  decode: (head) => DEVICE.exec(head.toString("latin1"))?.[1],
  open: openHttp1Heads,
};

/** `TokenService.Verify` over gRPC. */
export const VERIFY: CheckDialect = {
  encode: (token) => encodeFrame(toBinary(VerifyRequestSchema, create(VerifyRequestSchema, { token }))),
  decode: (answer) => fromBinary(VerifyResponseSchema, answer).deviceKey,
  open: openGrpcTo("/countersign.token.v1.TokenService/Verify"),
};
