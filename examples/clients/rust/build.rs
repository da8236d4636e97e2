// Generates the client in the build, by protoc. The code needs nothing of google/*, which is imported and not generated.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let protos = ["proto/countersign/auth/v1/auth.proto", "proto/countersign/token/v1/token.proto"];
    tonic_build::configure().build_server(false).compile_protos(&protos, &["proto"])?;
    Ok(())
}
