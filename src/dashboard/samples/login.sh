export GATEWAY=@GATEWAY@ DEVICE_KEY=@DEVICE_KEY@ CUSTOMER_KEY=@CUSTOMER_KEY@
perl -MDigest::SHA=hmac_sha256_hex -e '($t, $k) = (time, $ENV{DEVICE_KEY});
  printf q({"device_key":"%s","timestamp":%d,"device_signature":"%s"}), $k, $t, hmac_sha256_hex("$t$k", $ENV{CUSTOMER_KEY})' |
  curl -sS --json @- "$GATEWAY/auth/login"
