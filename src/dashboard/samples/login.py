import hashlib, hmac, json, time, urllib.error, urllib.request

gateway, device_key = @GATEWAY@, @DEVICE_KEY@
customer_key = @CUSTOMER_KEY@
timestamp = int(time.time())
signature = hmac.new(customer_key.encode(), f"{timestamp}{device_key}".encode(), hashlib.sha256).hexdigest()
login = {"device_key": device_key, "timestamp": timestamp, "device_signature": signature}

request = urllib.request.Request(f"{gateway}/auth/login", json.dumps(login).encode(), {"Content-Type": "application/json"})
try:
    print(urllib.request.urlopen(request).read().decode())
except urllib.error.HTTPError as error:
    print(error.read().decode())  # names the mistake
