// What `countersign/grpc` is to those who import it, and nothing else.
// biome-ignore-all lint/performance/noBarrelFile: an entry of package.json's exports is one file

export type { LoginRequest, LoginResponse } from "../../gen/grpc/countersign/auth/v1/auth.ts";
export type { VerifyRequest, VerifyResponse } from "../../gen/grpc/countersign/token/v1/token.ts";
export { type AuthClient, type ClientSettings, createAuthClient } from "./auth-client.ts";
export type { ClientTls } from "./channel.ts";
export { createLoginSigner, type DeviceIdentity, type LoginSigner } from "./login-signer.ts";
export { type Particulars, type Reason, RpcError } from "./rpc-error.ts";
export { createTokenClient, type TokenClient } from "./token-client.ts";
export { createTokenInterceptor } from "./token-interceptor.ts";
export { createTokenSource, type TokenSource, type TokenSourceSettings } from "./token-source.ts";
export type { UnaryOptions } from "./unary.ts";
