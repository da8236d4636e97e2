// A verifier whose issuer has an untrusted TLS certificate.

import { expect, test } from "vitest";
import { createVerifier } from "../../src/verify/exports.ts";
import { makeCertificates, startSecureListener } from "../http/certificates.ts";
import { goodToken } from "../vectors/forge.ts";
import { mint } from "./scene.ts";

const pems = makeCertificates({ issuer: "rsa" });

test("names NODE_EXTRA_CA_CERTS to onFetchError, and not in the error of a token", async () => {
  const { url: jwksUrl } = await startSecureListener(pems, "issuer");
  const { issuer, audience } = mint;
  const errors: Error[] = [];
  const verifier = createVerifier({ issuer, audience, jwksUrl, onFetchError: (error) => errors.push(error) });
  await expect(verifier.verify(goodToken(mint))).rejects.toMatchObject({
    reason: "unavailable",
    message: expect.not.stringMatching(/certificate|NODE_/),
    cause: {
      message: expect.stringMatching(/^the issuer's certificate is not trusted\. .* NODE_EXTRA_CA_CERTS /),
      cause: { cause: { code: "DEPTH_ZERO_SELF_SIGNED_CERT" } },
    },
  });
  expect(errors[0]?.message).toContain("NODE_EXTRA_CA_CERTS");
});
