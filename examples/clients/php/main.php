<?php
// Logs a device in over gRPC and checks its token: php main.php HOST:PORT DEVICE_KEY, the customer_key on standard input.
// composer require grpc/grpc google/common-protos firebase/php-jwt, and autoload gen/.

require 'vendor/autoload.php';

use Countersign\Auth\V1\AuthServiceClient;
use Countersign\Auth\V1\LoginRequest;
use Firebase\JWT\JWK;
use Firebase\JWT\JWT;
use Google\Rpc\ErrorInfo;
use Google\Rpc\RetryInfo;
use Google\Rpc\Status;

[, $target, $deviceKey] = $argv;
$now = time();
$login = new LoginRequest([
    'device_key' => $deviceKey,
    'timestamp' => $now,
    'device_signature' => hash_hmac('sha256', $now . $deviceKey, trim(stream_get_contents(STDIN))),
]);
// For a gateway on another machine: createSsl() in place of createInsecure().
$client = new AuthServiceClient($target, ['credentials' => Grpc\ChannelCredentials::createInsecure()]);
[$answer, $error] = $client->Login($login)->wait();
if ($error->code !== Grpc\STATUS_OK) {
    $status = new Status();
    $status->mergeFromString($error->metadata['grpc-status-details-bin'][0]);
    foreach ($status->getDetails() as $detail) {
        if ($detail->is(ErrorInfo::class)) echo $detail->unpack()->getReason(), "\n";
        if ($detail->is(RetryInfo::class)) echo 'retry in ', $detail->unpack()->getRetryDelay()->getSeconds(), " s\n";
    }
    exit(1);
}
$keys = JWK::parseKeySet(json_decode(file_get_contents("http://$target/.well-known/jwks.json"), true));
$claims = JWT::decode($answer->getToken(), $keys);
if ($claims->iss !== 'https://login.example' || $claims->aud !== 'devices') exit('a token of another issuer or audience');
echo $claims->sub, "\n";
