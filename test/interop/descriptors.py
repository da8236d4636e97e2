"""Prints what differs between google/* of a descriptor set and Python's googleapis-common-protos: descriptors.py SET."""

import sys
from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2
from google.rpc import error_details_pb2, status_pb2

ours = descriptor_pb2.FileDescriptorSet.FromString(open(sys.argv[1], "rb").read()).file
for module in (annotations_pb2, http_pb2, error_details_pb2, status_pb2):
    theirs = descriptor_pb2.FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(theirs)
    own = next(file for file in ours if file.name == theirs.name)
    if own.options != theirs.options:
        print(own.name, "options", own.options)
    messages = {message.name: message for message in theirs.message_type}
    for message in own.message_type:
        fields = {(f.name, f.number, f.type, f.label, f.type_name) for f in messages[message.name].field}
        for field in message.field:
            if (field.name, field.number, field.type, field.label, field.type_name) not in fields:
                print(own.name, message.name, field.name)
    if [(e.name, e.number, e.type_name) for e in own.extension] != [(e.name, e.number, e.type_name) for e in theirs.extension]:
        print(own.name, "extensions")
