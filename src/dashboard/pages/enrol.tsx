// Enrolment of one device by a form, or of many by CSV.

import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { type Device, KeyMode, KeyPurpose, KeyState } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { DeviceFields, readDeviceFields } from "../device-fields.tsx";
import { EnrolFile } from "../enrol-file.tsx";
import { Field, SelectField, TextField } from "../fields.tsx";
import { Form, type FormValues } from "../form.tsx";
import { admin, publicUrl } from "../gateway.ts";
import { useLoaded, useSession } from "../loading.ts";
import { LANGUAGES, loginSample, type SampleValues } from "../login-samples.ts";
import { NewCustomer } from "../new-customer.tsx";
import { CopyButton, FailureNotice, Notice, Page, Secret, Tabs } from "../parts.tsx";
import { addressOf } from "../router.ts";

const ONE = "One device";
const WAYS = [ONE, "CSV file"];

export function EnrolPage({ customer }: { readonly customer: string }): VNode {
  const { isAdmin } = useSession();
  const [way, setWay] = useState(ONE);
  const [customerId, setCustomerId] = useState(customer);
  if (!isAdmin) {
    return (
      <Page title="Enrol">
        <Notice tone="warn">You may read only. An operator with the role admin enrols devices.</Notice>
      </Page>
    );
  }
  return (
    <Page title="Enrol" actions={<NewCustomer onCreated={setCustomerId} />}>
      <Tabs label="Way to enrol" names={WAYS} value={way} onValue={setWay} />
      {way === ONE ? <EnrolOne customerId={customerId} /> : <EnrolFile />}
    </Page>
  );
}

interface Enrolled {
  readonly device: Device;
  /** Undefined if the customer's key was already shown, when it was issued, or if the board has a key pair. */
  readonly secret: string | undefined;
  readonly gateway: string;
}

function EnrolOne({ customerId: given }: { readonly customerId: string }) {
  const [enrolled, setEnrolled] = useState<Enrolled>();
  const list = useLoaded(() => admin.listCustomers({ pageSize: 1_000 }), []);
  const none = list.value?.customers.length === 0 ? "There is none yet: press New customer" : "Choose…";
  const customers: Record<string, string> = { "": none, ...(given !== "" && { [given]: given }) };
  for (const { customerId: id, displayName } of list.value?.customers ?? []) {
    customers[id] = displayName === "" ? id : `${displayName} (${id})`;
  }

  async function enrol({ customerId = "", deviceKey = "", ...values }: FormValues): Promise<void> {
    const fields = { deviceKey: deviceKey.trim(), ...readDeviceFields(values) };
    const device = await admin.createDevice({ customerId, device: fields });
    const secret = device.publicKey === "" ? await secretOf(device) : undefined;
    setEnrolled({ device, secret, gateway: await publicUrl() });
  }

  if (enrolled !== undefined) return <Done {...enrolled} onAnother={() => setEnrolled(undefined)} />;
  return (
    <section class="card narrow" aria-label="One device">
      <FailureNotice failure={list.failure} />
      <Form submit="Enrol" act={enrol}>
        <SelectField name="customerId" label="Customer" required defaultValue={given} options={customers} />
        <TextField
          name="deviceKey"
          label="device_key"
          hint="The name that the device logs in with: 1 to 96 visible ASCII characters. Empty: the gateway makes one."
          maxLength={96}
        />
        <DeviceFields />
      </Form>
    </section>
  );
}

/** The secret to flash, if it can be shown. Issues the first key of a customer. */
async function secretOf({ deviceKey, customerId, keyMode }: Device): Promise<string | undefined> {
  const purpose = keyMode === KeyMode.DERIVED ? KeyPurpose.DERIVATION : KeyPurpose.LOGIN;
  const { customerKeys } = await admin.listCustomerKeys({ customerId });
  const hasKey = customerKeys.some((key) => key.purpose === purpose && key.state === KeyState.LIVE);
  const issued = hasKey ? undefined : await admin.issueCustomerKey({ customerId, purpose });
  if (keyMode !== KeyMode.DERIVED) return issued?.customerKey;
  return (await admin.deriveDeviceKey({ deviceKey })).customerKey;
}

function Done({ device, secret, gateway, onAnother }: Enrolled & { readonly onAnother: () => void }) {
  const { deviceKey, customerId, keyMode, publicKey } = device;
  return (
    <div class="stack">
      <Notice tone="good">
        Enrolled: <a href={addressOf(["devices", deviceKey])}>{deviceKey}</a>
      </Notice>
      {publicKey !== "" ? (
        <Notice tone="quiet">
          The device logs in by OAuth at <code>{gateway}/oauth2/token</code>, with an assertion that its private key
          signs (private_key_jwt). docs/oauth.md has a client.
        </Notice>
      ) : secret === undefined ? (
        <Notice tone="quiet">
          The device signs with the customer_key that was shown at its issue. If you do not have the key,{" "}
          <a href={addressOf(["customers", customerId])}>issue another</a>: both are valid.
        </Notice>
      ) : (
        <Secret
          label="customer_key"
          secret={secret}
          file={`${deviceKey}.key.txt`}
          note={keyMode === KeyMode.DERIVED ? "The page of the device shows it again." : undefined}
        />
      )}
      {publicKey === "" && <Samples values={{ gateway, deviceKey, customerKey: secret ?? "the-customer-key" }} />}
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
