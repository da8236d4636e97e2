// Logs a device in over gRPC and checks its token by java-jwt: Main HOST:PORT DEVICE_KEY, the customer_key on standard input.

import com.auth0.jwk.UrlJwkProvider
import com.auth0.jwt.JWT
import com.auth0.jwt.algorithms.Algorithm
import com.example.countersign.auth.v1.AuthServiceGrpc
import com.example.countersign.auth.v1.loginRequest
import com.google.rpc.ErrorInfo
import com.google.rpc.RetryInfo
import io.grpc.ManagedChannelBuilder
import io.grpc.StatusRuntimeException
import io.grpc.protobuf.StatusProto
import java.net.URI
import java.security.interfaces.RSAPublicKey
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec

fun main(args: Array<String>) {
  val (target, name) = args
  val now = System.currentTimeMillis() / 1000
  val mac = Mac.getInstance("HmacSHA256").apply { init(SecretKeySpec(readln().trim().toByteArray(), "HmacSHA256")) }
  val signature = mac.doFinal("$now$name".toByteArray()).joinToString("") { "%02x".format(it) }
  // For a gateway on another machine: useTransportSecurity() in place of usePlaintext().
  val channel = ManagedChannelBuilder.forTarget(target).usePlaintext().build()
  try {
    val login = loginRequest { deviceKey = name; timestamp = now; deviceSignature = signature }
    val token = JWT.decode(AuthServiceGrpc.newBlockingStub(channel).login(login).token)
    val keys = UrlJwkProvider(URI("http://$target/.well-known/jwks.json").toURL())
    val algorithm = Algorithm.RSA256(keys.get(token.keyId).publicKey as RSAPublicKey)
    val verifier = JWT.require(algorithm).withIssuer("https://login.example").withAudience("devices").build()
    println(verifier.verify(token).subject)
  } catch (error: StatusRuntimeException) {
    for (detail in StatusProto.fromThrowable(error)!!.detailsList) {
      if (detail.`is`(ErrorInfo::class.java)) println(detail.unpack(ErrorInfo::class.java).reason)
      if (detail.`is`(RetryInfo::class.java)) println("retry in ${detail.unpack(RetryInfo::class.java).retryDelay.seconds} s")
    }
  } finally {
    channel.shutdown()
  }
}
