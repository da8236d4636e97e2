// Logs a device in over gRPC and checks its token: main HOST:PORT DEVICE_KEY, the customer_key on standard input.

use hmac::{Hmac, Mac};
use jsonwebtoken::{decode, decode_header, jwk::JwkSet, DecodingKey, Validation};
use tonic_types::StatusExt;

mod auth {
    tonic::include_proto!("countersign.auth.v1");
}

#[derive(serde::Deserialize)]
struct Claims {
    sub: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [target, device_key] = std::env::args().skip(1).collect::<Vec<_>>().try_into().expect("HOST:PORT DEVICE_KEY");
    let key = std::io::read_to_string(std::io::stdin())?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.trim().as_bytes())?;
    mac.update(format!("{now}{device_key}").as_bytes());
    let device_signature = hex::encode(mac.finalize().into_bytes());
    let login = auth::LoginRequest { device_key, timestamp: Some(now as i64), device_signature };

    // For a gateway on another machine: https.
    let mut client = auth::auth_service_client::AuthServiceClient::connect(format!("http://{target}")).await?;
    let token = match client.login(login).await {
        Ok(answer) => answer.into_inner().token,
        Err(error) => {
            let details = error.get_error_details();
            if let Some(info) = details.error_info() {
                println!("{}", info.reason);
            }
            if let Some(delay) = details.retry_info().and_then(|retry| retry.retry_delay) {
                println!("retry in {} s", delay.as_secs());
            }
            return Err(error.into());
        }
    };
    let keys: JwkSet = reqwest::get(format!("http://{target}/.well-known/jwks.json")).await?.json().await?;
    let header = decode_header(&token)?;
    let key = keys.find(&header.kid.unwrap_or_default()).ok_or("no such key")?;
    let mut expected = Validation::new(header.alg);
    expected.set_issuer(&["https://login.example"]);
    expected.set_audience(&["devices"]);
    println!("{}", decode::<Claims>(&token, &DecodingKey::from_jwk(key)?, &expected)?.claims.sub);
    Ok(())
}
