// An issuer whose certificate is of an authority that Node does not know: what a service's log has to say of it.

import { expect, test } from "vitest";
import { createVerifier, VerifyError } from "../../src/verify/exports.ts";
import { makeCertificates } from "../transports/certificates.ts";
import { startSecureListener } from "../transports/secure-listener.ts";
import { goodToken } from "../vectors/forge.ts";
import { mint } from "./scene.ts";

const pems = makeCertificates({ issuer: "rsa" });

test("the cure is named to who hears of failed fetches, and to nobody else", async () => {
  const { url: jwksUrl } = await startSecureListener(pems, "issuer");
  const { issuer, audience } = mint;
  const { promise: told, resolve: onFetchError } = Promise.withResolvers<Error>();
  const verifier = createVerifier({ issuer, audience, jwksUrl, onFetchError });
  const refusal: unknown = await verifier.verify(goodToken(mint)).catch((error: unknown) => error);
  const error = await told;
  expect(error.message).toMatch(/^the issuer's certificate is not trusted\. .* NODE_EXTRA_CA_CERTS /);
  expect(error.cause).toMatchObject({ cause: { code: "DEPTH_ZERO_SELF_SIGNED_CERT" } });
  expect(refusal).toMatchObject({ reason: "unavailable", cause: error });
  expect(refusal instanceof VerifyError && refusal.message).not.toMatch(/certificate|NODE_/);
});
