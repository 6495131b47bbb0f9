//! Development builds ask the local cloud for the time; `billform package` refuses to deploy such a binary by this text
//! (`provisioner/src/bundle/packaging.rs`).

/// The path of the local cloud's clock, put together here so that this test's own binary does not hold it.
fn path() -> String {
    ["/_billform", "clock"].join("/")
}

#[test]
fn a_development_build_holds_the_path_of_the_local_clock_and_no_other_does() {
    let binary = std::fs::read(env!("CARGO_BIN_EXE_bootstrap")).expect("the binary of this build");
    let holds = binary.windows(path().len()).any(|window| window == path().as_bytes());
    assert_eq!(holds, cfg!(debug_assertions));
}
