// What `serve` says to people once all is up: where it listens, and a first login to try. Knows no gateway.

export interface Listening {
  /** Where each listener is; undefined: it is off. */
  readonly publicUrl: string | undefined;
  readonly internalUrl: string | undefined;
}

/** `dataDir`: as it was set; undefined: it was not. */
export function startLines(
  { publicUrl, internalUrl }: Listening,
  { dev, dataDir }: { readonly dev: boolean; readonly dataDir: string | undefined },
): readonly string[] {
  return [
    ...(publicUrl ? [`public   ${publicUrl}   devices: REST, Connect, gRPC-Web, gRPC`] : []),
    ...(internalUrl ? [`internal ${internalUrl}   services and operators`] : []),
    ...(dev && publicUrl ? ["", ...loginLines(publicUrl, dataDir)] : []),
  ];
}

function loginLines(publicUrl: string, dataDir: string | undefined): readonly string[] {
  const setting = dataDir === undefined ? "" : `COUNTERSIGN_DATA_DIR=${dataDir} `;
  const trust = publicUrl.startsWith("https:") ? " (with --cacert FILE where curl does not trust the certificate)" : "";
  return [
    `Log in as the demo device${trust}:`,
    `  ${setting}npx countersign sign --demo | curl -sS --json @- ${publicUrl}/auth/login`,
  ];
}
