// The details of a refusal in gRPC and Connect, in protobuf: google.rpc.ErrorInfo and Status.

import type { VerifyError } from "./errors.ts";
import { grpcCode } from "./refusal.ts";

/** google.rpc.ErrorInfo of a refusal, in protobuf: `reason` = 1, `domain` = 2. */
export function errorInfo({ reason }: VerifyError): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...textField(1, reason), ...textField(2, "countersign")]);
}

/** google.rpc.Status with the ErrorInfo in it, as gRPC's trailer grpc-status-details-bin carries it. */
export function grpcStatus(error: VerifyError): Uint8Array<ArrayBuffer> {
  const detail = [...textField(1, "type.googleapis.com/google.rpc.ErrorInfo"), ...bytesField(2, [...errorInfo(error)])];
  return new Uint8Array([0x08, grpcCode(error), ...textField(2, error.message), ...bytesField(3, detail)]);
}

function textField(number: number, text: string): number[] {
  return bytesField(number, [...new TextEncoder().encode(text)]);
}

/** A field of length and bytes; the messages here are under 2^14 of them. */
function bytesField(number: number, bytes: readonly number[]): number[] {
  const { length } = bytes;
  const size = length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7];
  return [(number << 3) | 2, ...size, ...bytes];
}
