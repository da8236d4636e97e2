import binascii, hashlib, requests, time

gateway, device_key = @GATEWAY@, @DEVICE_KEY@
customer_key = @CUSTOMER_KEY@.encode()

def hmac_sha256(key, message):
    key = key if len(key) <= 64 else hashlib.sha256(key).digest()
    key = key + bytes(64 - len(key))
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in key) + message).digest()
    return hashlib.sha256(bytes(b ^ 0x5C for b in key) + inner).digest()

# Run ntptime.settime() first. Some ports count from 2000.
timestamp = int(time.time()) + (946684800 if time.gmtime(0)[0] == 2000 else 0)
signature = binascii.hexlify(hmac_sha256(customer_key, (str(timestamp) + device_key).encode())).decode()
login = {"device_key": device_key, "timestamp": timestamp, "device_signature": signature}
print(requests.post(gateway + "/auth/login", json=login).text)
