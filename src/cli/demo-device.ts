// The file that holds the demo device's identity and secret.

export interface DeviceIdentity {
  readonly deviceKey: string;
  readonly customerKey: string;
}

/** Reads the file's text; undefined when it holds no device. */
export function parseDemoDevice(text: string): DeviceIdentity | undefined {
  let demo: unknown;
  try {
    demo = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof demo !== "object" || demo === null || !("device_key" in demo && "customer_key" in demo)) return undefined;
  const { device_key: deviceKey, customer_key: customerKey } = demo;
  return typeof deviceKey === "string" && typeof customerKey === "string" ? { deviceKey, customerKey } : undefined;
}

/** Writes the file's text. */
export function demoDeviceText({ deviceKey, customerKey }: DeviceIdentity): string {
  return `${JSON.stringify({ device_key: deviceKey, customer_key: customerKey })}\n`;
}
