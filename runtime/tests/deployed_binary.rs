//! What is deployed for real holds no code of the local cloud.

use std::path::PathBuf;

/// The path of the local cloud's clock, put together here so that this test's own binary does not hold it either.
fn path() -> String {
    ["/_billform", "clock"].join("/")
}

/// The binary to search: `BILLFORM_DEPLOYED_BINARY`, or the one that `cargo build -p runtime --profile lambda` made.
fn deployed() -> PathBuf {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/lambda/bootstrap");
    std::env::var_os("BILLFORM_DEPLOYED_BINARY").map_or_else(|| PathBuf::from(built), PathBuf::from)
}

fn holds(binary: &[u8], text: &str) -> bool {
    binary.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn the_search_finds_the_path_in_a_development_bundle() {
    let development = std::fs::read(env!("CARGO_BIN_EXE_bootstrap")).expect("the binary of this build");
    assert_eq!(holds(&development, &path()), cfg!(debug_assertions));
}

#[test]
#[ignore = "needs a binary of the lambda profile: cargo build -p runtime --profile lambda, then --include-ignored"]
fn the_deployed_binary_does_not_hold_the_path() {
    let deployed = deployed();
    let binary = std::fs::read(&deployed).unwrap_or_else(|error| panic!("{}: {error}", deployed.display()));
    assert!(!holds(&binary, &path()), "{} asks the local cloud for the time", deployed.display());
    assert!(holds(&binary, "BILLFORM_HANDLER"), "{} is not the bundle's binary", deployed.display());
}
