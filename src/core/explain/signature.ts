// Explains the signature of a login: the key that made it, or the one mistake that gives it.

import type { Device } from "../registry/ports.ts";
import { finding, OWN_KEY_PAIR, type Proof } from "./findings.ts";
import type { CandidateKey } from "./keys.ts";
import { mac, noKeys, singleMistakes } from "./mistakes.ts";
import type { SentLogin } from "./sent-login.ts";

/**
 * Names the key, or the single mistake with a good key, that gives a login's signature. Costs one MAC for each key and some 350 for
 * each good one.
 */
export function explainSignature(sent: SentLogin, device: Device, keys: readonly CandidateKey[]): Proof {
  const leaked = keys.find(({ bytes }) => bytes.length >= LEAST_SECRET && sent.text.includes(bytes.toString("utf8")));
  const warnings =
    leaked === undefined
      ? []
      : [finding("key_sent", `The request carries the secret of key ${leaked.keyId} itself. Replace that key`)];
  const proof = device.publicKey === "" ? proofOf(sent, device, keys) : { findings: [OWN_KEY_PAIR] };
  return { ...proof, findings: [...proof.findings, ...warnings] };
}

/** A shorter secret occurs in other text by chance. In bytes. */
const LEAST_SECRET = 12;

function proofOf(sent: SentLogin, device: Device, keys: readonly CandidateKey[]): Proof {
  const { time, signature } = sent;
  if (signature === "") return { findings: [] };
  const login = { ...sent, deviceKey: device.deviceKey };
  const message = `${time}${login.deviceKey}`;
  const exact = keys.find(({ bytes }) => mac(bytes, message) === signature);
  if (exact !== undefined) {
    const { good, keyId, findings } = exact;
    const usedUp = device.replayGuard ? " or the same timestamp was used before" : "";
    return good ? { keyId, usedUp, findings } : { findings };
  }
  for (const [text, about] of noKeys(device)) if (mac(text, message) === signature) return { findings: [about] };
  for (const { bytes, findings } of keys.filter(({ good }) => good)) {
    for (const [digits, about] of singleMistakes(bytes, login)) {
      if (digits === signature) return { findings: [...findings, about] };
    }
  }
  const advice = "Compare with what countersign sign prints for the same timestamp";
  return { findings: [finding("no_known_mistake", `No single known mistake gives this signature. ${advice}`)] };
}
