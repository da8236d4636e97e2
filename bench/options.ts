// The options of `npm run bench`. Knows no peer.

import { parseArgs } from "node:util";
import { CERTIFICATE_KINDS, type CertificateKind } from "../test/http/openssl.ts";
import { ALGORITHMS, type Algorithm } from "./contract.ts";
import { checkNames } from "./figures.ts";
import { GATE, GATEWAY, GROUPS, type Group } from "./groups.ts";

export interface BenchOptions {
  readonly rounds: number;
  /** How long each peer is under load in a round. */
  readonly seconds: number;
  readonly algorithm: Algorithm;
  /** The certificate of the TLS servers. */
  readonly certificate: CertificateKind;
  readonly groups: readonly Group[];
}

/** @throws Error that says what is wrong with them */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "6" },
      seconds: { type: "string", default: "2" },
      alg: { type: "string", default: "RS256" },
      certificate: { type: "string", default: "ecdsa" },
      only: { type: "string", multiple: true, default: [] },
    },
  });
  const algorithm = ALGORITHMS.find((one) => one === values.alg);
  if (algorithm === undefined) throw new Error(`--alg is one of ${ALGORITHMS.join(", ")}`);
  const certificate = CERTIFICATE_KINDS.find((one) => one === values.certificate);
  if (certificate === undefined) throw new Error(`--certificate is one of ${CERTIFICATE_KINDS.join(", ")}`);
  return {
    rounds: readPositive("rounds", values.rounds),
    seconds: readPositive("seconds", values.seconds),
    algorithm,
    certificate,
    groups: chooseGroups(values.only).map((group) => ({
      ...group,
      contenders: group.contenders.filter(({ without = [] }) => !without.includes(algorithm)),
    })),
  };
}

/** The pair alone that the exit status goes by. */
const LOGIN = "login";

function chooseGroups(only: readonly string[]): readonly Group[] {
  checkNames(only, [...GROUPS.map(({ name }) => name), LOGIN]);
  if (only.length === 0) return GROUPS;
  return GROUPS.flatMap((group) => {
    if (only.includes(group.name)) return group;
    if (group.name !== GATE.group || !only.includes(LOGIN)) return [];
    return { ...group, contenders: group.contenders.filter(({ name }) => name === GATEWAY) };
  });
}

function readPositive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} is a number above zero`);
  return value;
}
