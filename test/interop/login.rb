# Calls Login with Ruby's grpc over one channel: ruby login.rb TARGET, a signed login as JSON on standard input.

require "json"
require "google/protobuf/well_known_types"
require "google/rpc/error_details_pb"
require "google/rpc/status_pb"
require "countersign/auth/v1/auth_services_pb"

Auth = Countersign::Auth::V1
LOGIN = Auth::LoginRequest.new(**JSON.parse($stdin.read, symbolize_names: true))
WRONG = LOGIN.dup.tap { |login| login.device_signature = "0" * 64 }
STUB = Auth::AuthService::Stub.new(ARGV.fetch(0), :this_channel_is_insecure)

# The call of a login, and its deadline in seconds.
def prepare(login, seconds = 10)
  STUB.login(login, deadline: Time.now + seconds, return_op: true)
end

# The reason of the ErrorInfo in grpc-status-details-bin.
def reason_of(error)
  status = Google::Rpc::Status.decode(error.metadata.fetch("grpc-status-details-bin"))
  status.details.filter_map { |detail| detail.unpack(Google::Rpc::ErrorInfo)&.reason }.first
end

# The status code and the error of a call, once it has ended.
def outcome_of(call)
  call.execute
  [0, nil]
rescue GRPC::BadStatus => error
  [error.code, error]
end

good = prepare(LOGIN)
report = { token: good.execute.token, remaining: good.metadata["x-ratelimit-remaining"] }
report[:wrong], error = outcome_of(prepare(WRONG))
report[:reason] = error && reason_of(error)
cancelled = prepare(LOGIN)
waiting = Thread.new { outcome_of(cancelled) }
cancelled.cancel
report[:cancelled], = waiting.value
report[:late], = outcome_of(prepare(LOGIN, 0.001))
responses = Array.new(30) { prepare(LOGIN).execute }
responses += Array.new(20) { Thread.new { prepare(LOGIN).execute } }.map(&:value)
report[:answered] = responses.count { |response| response.token != "" }
puts report.to_json
