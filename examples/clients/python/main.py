"""Logs a device in over gRPC and checks its token: main.py HOST:PORT DEVICE_KEY, the customer_key on standard input."""

import hashlib
import hmac
import sys
import time

import grpc
import jwt
from countersign.auth.v1 import auth_pb2, auth_pb2_grpc
from google.rpc import error_details_pb2, status_pb2

target, device_key = sys.argv[1:]
key = sys.stdin.read().strip()
now = int(time.time())
signature = hmac.new(key.encode(), f"{now}{device_key}".encode(), hashlib.sha256).hexdigest()
login = auth_pb2.LoginRequest(device_key=device_key, timestamp=now, device_signature=signature)
try:
    # For a gateway on another machine: grpc.secure_channel in place of this one.
    with grpc.insecure_channel(target) as channel:
        token = auth_pb2_grpc.AuthServiceStub(channel).Login(login, timeout=10).token
except grpc.RpcError as error:
    status = status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in status.details:
        if detail.Unpack(info):
            print(info.reason)
        elif detail.Unpack(retry):
            print("retry in", retry.retry_delay.ToSeconds(), "s")
    sys.exit(error.details())
signing_key = jwt.PyJWKClient(f"http://{target}/.well-known/jwks.json").get_signing_key_from_jwt(token)
claims = jwt.decode(
    token, signing_key, algorithms=["RS256", "ES256", "EdDSA"], issuer="https://login.example", audience="devices"
)
print(claims["sub"])
