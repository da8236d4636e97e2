// Logs a device in over gRPC and checks its token by nimbus-jose-jwt: Main HOST:PORT DEVICE_KEY, the customer_key on standard input.

import com.example.countersign.auth.v1.AuthServiceGrpc;
import com.example.countersign.auth.v1.LoginRequest;
import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import io.grpc.ManagedChannelBuilder;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

class Main {
  public static void main(String[] args) throws Exception {
    byte[] key = new String(System.in.readAllBytes(), StandardCharsets.UTF_8).strip().getBytes(StandardCharsets.UTF_8);
    long now = System.currentTimeMillis() / 1000;
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    String signature = HexFormat.of().formatHex(mac.doFinal((now + args[1]).getBytes(StandardCharsets.UTF_8)));
    // For a gateway on another machine: useTransportSecurity() in place of usePlaintext().
    var channel = ManagedChannelBuilder.forTarget(args[0]).usePlaintext().build();
    var login = LoginRequest.newBuilder().setDeviceKey(args[1]).setTimestamp(now).setDeviceSignature(signature).build();
    try {
      String token = AuthServiceGrpc.newBlockingStub(channel).login(login).getToken();
      System.out.println(check(token, URI.create("http://" + args[0])).getSubject());
    } catch (StatusRuntimeException error) {
      for (Any detail : StatusProto.fromThrowable(error).getDetailsList()) {
        if (detail.is(ErrorInfo.class)) System.out.println(detail.unpack(ErrorInfo.class).getReason());
        if (detail.is(RetryInfo.class)) System.out.println("retry in " + detail.unpack(RetryInfo.class).getRetryDelay().getSeconds() + " s");
      }
    } finally {
      channel.shutdown();
    }
  }

  static JWTClaimsSet check(String token, URI gateway) throws Exception {
    var keys = JWKSourceBuilder.create(gateway.resolve("/.well-known/jwks.json").toURL()).build();
    var processor = new DefaultJWTProcessor<SecurityContext>();
    processor.setJWSKeySelector(new JWSVerificationKeySelector<>(Set.of(JWSAlgorithm.RS256, JWSAlgorithm.ES256), keys));
    var expected = new JWTClaimsSet.Builder().issuer("https://login.example").build();
    processor.setJWTClaimsSetVerifier(new DefaultJWTClaimsVerifier<>("devices", expected, Set.of("sub", "iat", "exp")));
    return processor.process(token, null);
  }
}
