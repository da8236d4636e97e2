"""Logs in with grpcio and code generated from proto/: python3 login.py TARGET, the login as JSON on standard input."""

import json
import sys

import grpc
from countersign.auth.v1 import auth_pb2, auth_pb2_grpc

login = json.load(sys.stdin)
with grpc.insecure_channel(sys.argv[1]) as channel:
    response, call = auth_pb2_grpc.AuthServiceStub(channel).Login.with_call(
        auth_pb2.LoginRequest(**login), timeout=10
    )
    headers = {key: value for key, value in call.initial_metadata()}
print(json.dumps({"token": response.token, "expires_in": response.expires_in, "limit": headers["x-ratelimit-limit"]}))
