// How a login and its answer are put in each protocol that a peer speaks. Knows the contract, and no peer.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { LoginRequestSchema, LoginResponseSchema } from "../gen/es/countersign/auth/v1/auth_pb.ts";
import type { LoginBody } from "./contract.ts";
import type { Answer, Fleet } from "./fleet.ts";
import { encodeFrame, openGrpcTo } from "./grpc-lanes.ts";
import { encodePost, openHttp1, openNewTls } from "./http1-lanes.ts";
import type { OpenLanes } from "./lane.ts";

export interface Dialect {
  readonly encode: (login: LoginBody, fleet: Fleet) => Buffer;
  readonly decode: (answer: Buffer) => Answer;
  readonly open: OpenLanes;
  /** Whether the server needs a certificate. */
  readonly tls?: true;
}

export type DialectName = "rest" | "rest-tls" | "rest-tls-resumed" | "connect" | "grpc";

const METHOD = "/countersign.auth.v1.AuthService/Login";

/** REST by a TLS connection for each login. */
const REST_TLS = {
  encode: (login: LoginBody) =>
    encodePost("/auth/login", "application/json", JSON.stringify(login), "Connection: close\r\n"),
  decode: (answer: Buffer) => readJson(answer, "token", "expires_in"),
  tls: true,
} as const;

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  rest: {
    encode: (login) => encodePost("/auth/login", "application/json", JSON.stringify(login)),
    decode: (answer) => readJson(answer, "token", "expires_in"),
    open: openHttp1,
  },
  "rest-tls": { ...REST_TLS, open: openNewTls("full") },
  "rest-tls-resumed": { ...REST_TLS, open: openNewTls("resumed") },
  connect: {
    encode: (login) => encodePost(METHOD, "application/json", JSON.stringify(login), "Connect-Protocol-Version: 1\r\n"),
    decode: (answer) => readJson(answer, "token", "expiresIn"),
    open: openHttp1,
  },
  grpc: {
    encode: ({ device_key, timestamp, device_signature }) =>
      encodeFrame(
        toBinary(
          LoginRequestSchema,
          create(LoginRequestSchema, {
            deviceKey: device_key,
            timestamp: BigInt(timestamp),
            deviceSignature: device_signature,
          }),
        ),
      ),
    decode: (answer) => fromBinary(LoginResponseSchema, answer),
    open: openGrpcTo(METHOD),
  },
};

function readJson(answer: Buffer, token: string, expiresIn: string): Answer {
  const content = JSON.parse(answer.toString());
  return { token: content[token], expiresIn: content[expiresIn] };
}
