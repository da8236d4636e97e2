// Enrolment: one device with its secret and a login to paste, or a CSV file of many.

import { useState } from "preact/hooks";
import { KeyMode, KeyPurpose, KeyState } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { CustomerPicker } from "../customer-picker.tsx";
import { EnrolFile } from "../enrol-file.tsx";
import { admin, publicUrl, readAll } from "../gateway.ts";
import { useAction, useSession } from "../loading.ts";
import { LANGUAGES, loginSample, type SampleValues } from "../login-samples.ts";
import { CopyButton, FailureNotice, Field, Notice, Page, Secret, Tabs, TextField } from "../parts.tsx";
import { addressOf } from "../router.ts";

const ONE = "One device";
const WAYS = [ONE, "CSV file"];

export function EnrolPage({ customer }: { readonly customer: string }) {
  const { isAdmin } = useSession();
  const [way, setWay] = useState(ONE);
  if (!isAdmin) {
    return (
      <Page title="Enrol">
        <Notice tone="warn">You may read only. An operator with the role admin enrols devices.</Notice>
      </Page>
    );
  }
  return (
    <Page title="Enrol">
      <Tabs label="Way to enrol" names={WAYS} value={way} onValue={setWay} />
      {way === ONE ? <EnrolOne customer={customer} /> : <EnrolFile />}
    </Page>
  );
}

const MODES = [
  ["shared", "Shared", "It signs with the customer's key, which other devices of the customer share. Simple to flash."],
  [
    "derived",
    "Its own",
    "It signs with a key of its own, derived from one that stays here. A stolen board exposes only itself.",
  ],
] as const;

interface Enrolled {
  readonly deviceKey: string;
  readonly customerId: string;
  /** Undefined: the customer's key was shown when it was issued. */
  readonly secret: string | undefined;
  readonly gateway: string;
}

function EnrolOne({ customer }: { readonly customer: string }) {
  const [customerId, setCustomerId] = useState(customer);
  const [deviceKey, setDeviceKey] = useState("");
  const [name, setName] = useState("");
  const [label, setLabel] = useState("");
  const [mode, setMode] = useState<string>("shared");
  const [enrolled, setEnrolled] = useState<Enrolled>();
  const action = useAction();

  async function enrol(): Promise<void> {
    const keyMode = mode === "derived" ? KeyMode.DERIVED : KeyMode.SHARED;
    const pairs = label.split(";").filter((pair) => pair.includes("="));
    const labels = Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf("=")).trim(), pair.slice(pair.indexOf("=") + 1)]),
    );
    const device = { deviceKey: deviceKey.trim(), displayName: name, keyMode, labels };
    const created = await admin.createDevice({ customerId, device });
    const purpose = mode === "derived" ? KeyPurpose.DERIVATION : KeyPurpose.LOGIN;
    const issued = (await hasLiveKey(customerId, purpose))
      ? undefined
      : await admin.issueCustomerKey({ customerId, purpose });
    const secret =
      mode === "derived"
        ? (await admin.deriveDeviceKey({ deviceKey: created.deviceKey })).customerKey
        : issued?.customerKey;
    setEnrolled({ deviceKey: created.deviceKey, customerId, secret, gateway: await publicUrl() });
  }

  if (enrolled !== undefined) return <Done enrolled={enrolled} onAnother={() => setEnrolled(undefined)} />;
  return (
    <form
      class="card stack narrow"
      onSubmit={(event) => {
        event.preventDefault();
        void action.run(enrol);
      }}
    >
      <CustomerPicker value={customerId} onValue={setCustomerId} />
      <TextField
        label="device_key"
        hint="The name it logs in by: 1 to 96 visible ASCII characters. Empty: the gateway makes one."
        value={deviceKey}
        onValue={setDeviceKey}
        maxLength={96}
      />
      <TextField label="Name for people" value={name} onValue={setName} maxLength={200} />
      <TextField label="Labels" hint="As in site=north;line=7" value={label} onValue={setLabel} />
      <fieldset>
        <legend>Key</legend>
        {MODES.map(([value, title, text]) => (
          <label key={value} class="choice">
            <input type="radio" name="mode" value={value} checked={mode === value} onChange={() => setMode(value)} />
            <span>
              <strong>{title}</strong>
              <small class="quiet block">{text}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <FailureNotice failure={action.failure} />
      <button type="submit" class="primary" disabled={action.isBusy || customerId === ""}>
        {action.isBusy ? "Enrolling…" : "Enrol"}
      </button>
    </form>
  );
}

async function hasLiveKey(customerId: string, purpose: KeyPurpose): Promise<boolean> {
  const keys = await readAll(async (pageToken) => {
    const { customerKeys: items, nextPageToken } = await admin.listCustomerKeys({ customerId, pageToken });
    return { items, nextPageToken };
  });
  return keys.some((key) => key.purpose === purpose && key.state === KeyState.LIVE);
}

/** Stands for a secret that this page does not know. */
const UNKNOWN = "the-customer-key";

function Done({ enrolled, onAnother }: { readonly enrolled: Enrolled; readonly onAnother: () => void }) {
  const { deviceKey, customerId, secret, gateway } = enrolled;
  return (
    <div class="stack">
      <Notice tone="good">
        Enrolled: <a href={addressOf(["devices", deviceKey])}>{deviceKey}</a>
      </Notice>
      {secret === undefined ? (
        <Notice tone="quiet">
          It signs with the customer_key that was shown when it was issued. Without it,{" "}
          <a href={addressOf(["customers", customerId])}>issue another</a>: both are good.
        </Notice>
      ) : (
        <Secret label="customer_key" secret={secret} file={`${deviceKey}.key.txt`} />
      )}
      <Samples values={{ gateway, deviceKey, customerKey: secret ?? UNKNOWN }} />
      <div class="row">
        <button type="button" onClick={onAnother}>
          Enrol another
        </button>
      </div>
    </div>
  );
}

function Samples({ values }: { readonly values: SampleValues }) {
  const [language, setLanguage] = useState("curl");
  const text = loginSample(language, values);
  return (
    <section class="card stack" aria-label="A login to paste">
      <h2>A login to paste</h2>
      <Tabs label="Language" names={LANGUAGES} value={language} onValue={setLanguage} />
      <Field label={`Login in ${language}`}>
        {(id) => <textarea {...id} class="code" readOnly rows={text.split("\n").length} value={text} />}
      </Field>
      <div class="row">
        <CopyButton text={text} />
      </div>
    </section>
  );
}
