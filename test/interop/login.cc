// Calls Login with gRPC C++ over one channel: login TARGET, a signed login as JSON on standard input.

#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <future>
#include <iostream>
#include <iterator>
#include <list>

#include "countersign/auth/v1/auth.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

using namespace countersign::auth::v1;

struct Call {
  Call(AuthService::Stub& stub, const LoginRequest& login, int milliseconds = 10000) {
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(milliseconds));
    stub.async()->Login(&context, &login, &response, [this](grpc::Status status) { ended.set_value(status); });
  }
  grpc::Status wait() { return ended.get_future().get(); }
  grpc::ClientContext context;
  LoginResponse response;
  std::promise<grpc::Status> ended;
};

// The reason of the ErrorInfo in grpc-status-details-bin.
std::string reason_of(const grpc::Status& error) {
  google::rpc::Status status;
  google::rpc::ErrorInfo info;
  status.ParseFromString(error.error_details());
  for (const auto& detail : status.details()) detail.UnpackTo(&info);
  return info.reason();
}

int main(int, char** arguments) {
  LoginRequest login;
  const std::string json(std::istreambuf_iterator<char>(std::cin), {});
  if (!google::protobuf::util::JsonStringToMessage(json, &login).ok()) return 1;
  LoginRequest wrong = login;
  wrong.set_device_signature(std::string(64, '0'));
  const auto stub = AuthService::NewStub(grpc::CreateChannel(arguments[1], grpc::InsecureChannelCredentials()));
  Call good(*stub, login), refused(*stub, wrong), cancelled(*stub, login);
  cancelled.context.TryCancel();
  int answered = 0;
  if (!good.wait().ok()) return 2;
  for (int count = 0; count < 30; count++) answered += Call(*stub, login).wait().ok();
  std::list<Call> concurrent;
  for (int count = 0; count < 20; count++) concurrent.emplace_back(*stub, login);
  for (auto& call : concurrent) answered += call.wait().ok();
  const auto error = refused.wait();
  const auto remaining = good.context.GetServerInitialMetadata().find("x-ratelimit-remaining");
  if (remaining == good.context.GetServerInitialMetadata().end()) return 3;
  std::cout << "{\"token\":\"" << good.response.token() << "\",\"remaining\":" << remaining->second
            << ",\"wrong\":" << error.error_code() << ",\"reason\":\"" << reason_of(error)
            << "\",\"cancelled\":" << cancelled.wait().error_code()
            << ",\"late\":" << Call(*stub, login, 0).wait().error_code() << ",\"answered\":" << answered << "}\n";
}
