// Checks tokens in Java with nimbus-jose-jwt. EdDSA needs its Ed25519Verifier and Google Tink.
// Keys are cached for five minutes and fetched at an unknown kid, at most every 30 s.

JWKSource<SecurityContext> keys = JWKSourceBuilder
    .create(URI.create(issuer + "/.well-known/jwks.json").toURL())
    .retrying(true)
    .outageTolerant(Duration.ofDays(1).toMillis())
    .build();

DefaultJWTClaimsVerifier<SecurityContext> claimsVerifier = new DefaultJWTClaimsVerifier<>(
    "devices",
    new JWTClaimsSet.Builder().issuer(issuer).build(),
    Set.of("sub", "iat", "exp", "jti", "customer_id"));
claimsVerifier.setMaxClockSkew(5);

ConfigurableJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();
processor.setJWSKeySelector(new JWSVerificationKeySelector<>(Set.of(JWSAlgorithm.RS256, JWSAlgorithm.ES256), keys));
processor.setJWTClaimsSetVerifier(claimsVerifier);

JWTClaimsSet claims = processor.process(token, null); // BadJOSEException: 401; KeySourceException: 503
