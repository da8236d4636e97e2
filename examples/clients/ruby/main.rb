# Logs a device in over gRPC and checks its token: main.rb HOST:PORT DEVICE_KEY, the customer_key on standard input.

require "json"
require "jwt"
require "net/http"
require "openssl"
require "google/protobuf/well_known_types"
require "google/rpc/error_details_pb"
require "google/rpc/status_pb"
require "countersign/auth/v1/auth_services_pb"

target, device_key = ARGV
now = Time.now.to_i
signature = OpenSSL::HMAC.hexdigest("SHA256", $stdin.read.strip, "#{now}#{device_key}")
auth = Countersign::Auth::V1
login = auth::LoginRequest.new(device_key: device_key, timestamp: now, device_signature: signature)
begin
  # For a gateway on another machine: GRPC::Core::ChannelCredentials.new in place of the symbol.
  stub = auth::AuthService::Stub.new(target, :this_channel_is_insecure)
  token = stub.login(login, deadline: Time.now + 10).token
rescue GRPC::BadStatus => error
  Google::Rpc::Status.decode(error.metadata.fetch("grpc-status-details-bin")).details.each do |detail|
    info = detail.unpack(Google::Rpc::ErrorInfo)
    retry_info = detail.unpack(Google::Rpc::RetryInfo)
    puts info.reason if info
    puts "retry in #{retry_info.retry_delay.seconds} s" if retry_info
  end
  abort error.details
end
keys = JSON.parse(Net::HTTP.get(URI("http://#{target}/.well-known/jwks.json")))
expected = { iss: "https://login.example", verify_iss: true, aud: "devices", verify_aud: true }
claims, = JWT.decode(token, nil, true, { algorithms: %w[RS256 ES256], jwks: keys, **expected })
puts claims["sub"]
