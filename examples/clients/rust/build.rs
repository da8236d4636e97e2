// Generates the client in the build, by tonic's own protoc. google/* is imported and not generated: nothing of it is in the code.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let protos = ["proto/countersign/auth/v1/auth.proto", "proto/countersign/token/v1/token.proto"];
    tonic_build::configure().build_server(false).compile_protos(&protos, &["proto"])?;
    Ok(())
}
