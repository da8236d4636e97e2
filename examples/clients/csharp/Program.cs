// Logs a device in over gRPC and checks its token: dotnet run HOST:PORT DEVICE_KEY, the customer_key on standard input.

using System.Security.Cryptography;
using System.Text;
using Countersign.Auth.V1;
using Google.Rpc;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

var (gateway, deviceKey) = ($"http://{args[0]}", args[1]); // https, but on this machine
var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
var mac = HMACSHA256.HashData(Encoding.UTF8.GetBytes(Console.In.ReadToEnd().Trim()), Encoding.UTF8.GetBytes($"{now}{deviceKey}"));
var login = new LoginRequest { DeviceKey = deviceKey, Timestamp = now, DeviceSignature = Convert.ToHexString(mac) };
try
{
    using var channel = GrpcChannel.ForAddress(gateway);
    var answer = await new AuthService.AuthServiceClient(channel).LoginAsync(login);
    using var http = new HttpClient();
    var keys = new JsonWebKeySet(await http.GetStringAsync($"{gateway}/.well-known/jwks.json"));
    var result = await new JsonWebTokenHandler().ValidateTokenAsync(answer.Token, new TokenValidationParameters
    {
        ValidIssuer = "https://login.example",
        ValidAudience = "devices",
        ValidAlgorithms = ["RS256", "ES256"],
        IssuerSigningKeys = keys.GetSigningKeys(),
    });
    Console.WriteLine(result.IsValid ? result.Claims["sub"] : result.Exception.Message);
}
catch (RpcException error)
{
    var status = error.GetRpcStatus();
    Console.WriteLine(status?.GetDetail<ErrorInfo>()?.Reason);
    if (status?.GetDetail<RetryInfo>() is { } retry) Console.WriteLine($"retry in {retry.RetryDelay.Seconds} s");
}
