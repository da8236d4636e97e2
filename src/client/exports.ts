// The exports of `countersign/grpc`.
// biome-ignore-all lint/performance/noBarrelFile: an entry of package.json's exports is one file

export { type Interceptor, Metadata, status } from "@grpc/grpc-js";
export type {
  GetServerTimeRequest,
  GetServerTimeResponse,
  LoginRequest,
  LoginResponse,
} from "../../gen/grpc/countersign/auth/v1/auth.ts";
export {
  type AuthClient,
  createAuthClient,
  type GatewayClientOptions,
  type Unary,
  type UnaryOptions,
} from "./auth-client.ts";
export type { ClientTls } from "./channel.ts";
export { createLoginSigner, type DeviceIdentity, type LoginSigner, type LoginSignerOptions } from "./login-signer.ts";
export { type LoginErrorDetails, type Reason, RpcError } from "./rpc-error.ts";
export { createTokenInterceptor } from "./token-interceptor.ts";
export { createTokenSource, type TokenSource, type TokenSourceOptions } from "./token-source.ts";
