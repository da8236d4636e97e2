// Logs a device in over gRPC and checks its token: main HOST PORT DEVICE_KEY, the customer_key on standard input.

import Crypto
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2
import GRPCProtobuf
import JWTKit

struct Claims: JWTPayload {
  var sub: SubjectClaim
  var iss: IssuerClaim
  var aud: AudienceClaim
  var exp: ExpirationClaim

  func verify(using _: some JWTAlgorithm) async throws {
    try exp.verifyNotExpired()
    try aud.verifyIntendedAudience(includes: "devices")
    guard iss.value == "https://login.example" else { throw JWTError.claimVerificationFailure(failedClaim: iss, reason: "another issuer") }
  }
}

let (host, port, deviceKey) = (CommandLine.arguments[1], CommandLine.arguments[2], CommandLine.arguments[3])
let key = SymmetricKey(data: Data((readLine() ?? "").utf8))
let now = Int64(Date().timeIntervalSince1970)
let mac = HMAC<SHA256>.authenticationCode(for: Data("\(now)\(deviceKey)".utf8), using: key)
let login = Countersign_Auth_V1_LoginRequest.with {
  $0.deviceKey = deviceKey
  $0.timestamp = now
  $0.deviceSignature = mac.map { String(format: "%02x", $0) }.joined()
}
do {
  // For a gateway on another machine: transportSecurity: .tls.
  let transport = try HTTP2ClientTransport.Posix(target: .dns(host: host, port: Int(port)), transportSecurity: .plaintext)
  let token = try await withGRPCClient(transport: transport) {
    try await Countersign_Auth_V1_AuthService.Client(wrapping: $0).login(login).token
  }
  let (jwks, _) = try await URLSession.shared.data(from: URL(string: "http://\(host):\(port)/.well-known/jwks.json")!)
  let keys = try await JWTKeyCollection().add(jwks: JSONDecoder().decode(JWKS.self, from: jwks))
  print(try await keys.verify(token, as: Claims.self).sub.value)
} catch let error as RPCError {
  for detail in try error.unpackGoogleRPCStatus()?.details ?? [] {
    if let info = detail.errorInfo { print(info.reason) }
    if let retry = detail.retryInfo { print("retry in", retry.delay) }
  }
}
