"""Calls Login with grpcio over one channel: python3 grpcio.py TARGET, a signed login as JSON on standard input."""

import json
import sys

import grpc
from countersign.auth.v1 import auth_pb2, auth_pb2_grpc
from google.rpc import error_details_pb2, status_pb2

login = auth_pb2.LoginRequest(**json.load(sys.stdin))
wrong = auth_pb2.LoginRequest()
wrong.CopyFrom(login)
wrong.device_signature = "0" * 64


def reason_of(error):
    """The reason of the ErrorInfo in grpc-status-details-bin."""
    status = status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    return next((info.reason for detail in status.details if detail.Unpack(info)), "")


def outcome_of(call):
    """The status code of a call, once it has ended."""
    try:
        call.result()
    except (grpc.RpcError, grpc.FutureCancelledError):
        pass
    return call.code().value[0]


with grpc.insecure_channel(sys.argv[1]) as channel:
    stub = auth_pb2_grpc.AuthServiceStub(channel)
    response, call = stub.Login.with_call(login, timeout=10)
    report = {"token": response.token, "remaining": dict(call.initial_metadata()).get("x-ratelimit-remaining")}
    try:
        stub.Login(wrong, timeout=10)
    except grpc.RpcError as error:
        report |= {"wrong": error.code().value[0], "reason": reason_of(error)}
    cancelled = stub.Login.future(login, timeout=10)
    cancelled.cancel()
    report["cancelled"] = outcome_of(cancelled)
    report["late"] = outcome_of(stub.Login.future(login, timeout=0.001))
    responses = [stub.Login(login, timeout=10) for _ in range(30)]
    concurrent = [stub.Login.future(login, timeout=10) for _ in range(20)]
    responses += [call.result() for call in concurrent]
    report["answered"] = sum(response.token != "" for response in responses)
print(json.dumps(report))
