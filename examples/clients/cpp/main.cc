// Logs a device in over gRPC and has the gateway check its token: main HOST:PORT DEVICE_KEY [CHECK_HOST:PORT], the customer_key on
// standard input. TokenService is on the internal listener.

#include <grpcpp/grpcpp.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <ctime>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "countersign/auth/v1/auth.grpc.pb.h"
#include "countersign/token/v1/token.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

// Prints the reason of an error, and the wait when there is one.
int Fail(const grpc::Status& error) {
  google::rpc::Status status;
  status.ParseFromString(error.error_details());
  for (const auto& detail : status.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&info)) std::cout << info.reason() << "\n";
    if (detail.UnpackTo(&retry)) std::cout << "retry in " << retry.retry_delay().seconds() << " s\n";
  }
  std::cerr << error.error_message() << "\n";
  return 1;
}

std::string Sign(const std::string& key, const std::string& message) {
  unsigned char mac[32];
  HMAC(EVP_sha256(), key.data(), key.size(), reinterpret_cast<const unsigned char*>(message.data()), message.size(), mac, nullptr);
  std::ostringstream hex;
  for (unsigned char byte : mac) hex << std::hex << std::setw(2) << std::setfill('0') << int(byte);
  return hex.str();
}

// For a gateway on another machine: grpc::SslCredentials in place of the insecure ones.
std::shared_ptr<grpc::Channel> Open(const char* target) {
  return grpc::CreateChannel(target, grpc::InsecureChannelCredentials());
}

int main(int argc, char** argv) {
  std::string key;
  std::getline(std::cin, key);
  const auto now = std::time(nullptr);
  countersign::auth::v1::LoginRequest login;
  login.set_device_key(argv[2]);
  login.set_timestamp(now);
  login.set_device_signature(Sign(key, std::to_string(now) + argv[2]));
  countersign::auth::v1::LoginResponse answer;
  grpc::ClientContext context;
  auto error = countersign::auth::v1::AuthService::NewStub(Open(argv[1]))->Login(&context, login, &answer);
  if (!error.ok()) return Fail(error);

  countersign::token::v1::VerifyRequest check;
  check.set_token(answer.token());
  countersign::token::v1::VerifyResponse identity;
  grpc::ClientContext checking;
  const char* checker = argc > 3 ? argv[3] : "127.0.0.1:9090";
  error = countersign::token::v1::TokenService::NewStub(Open(checker))->Verify(&checking, check, &identity);
  if (!error.ok()) return Fail(error);
  std::cout << identity.device_key() << "\n";
}
