//! Compiling `bootstrap` with plain cargo, for the machine at hand.

use std::path::PathBuf;
use std::process::Stdio;

use memchr::memmem;
use serde_json::Value;
use tokio::process::Command;

use crate::bundle::checkout;
use crate::ui::failure::Failure;

/// The minor version of the GNU C library on Lambda's `provided.al2023`: 2.34 (local-cloud, "Packaging").
pub const LAMBDA_GLIBC: u32 = 34;

/// How the binary is compiled: a profile of the checkout's Cargo.toml.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// Optimised and stripped, for AWS.
    Lambda,
    /// Quick to build, for a local cloud.
    Dev,
}

impl Profile {
    /// Its name in Cargo.toml.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Lambda => "lambda",
            Profile::Dev => "dev",
        }
    }

    /// The packages that decide which features the dependencies are built with. For `dev` all of the workspace, as in
    /// `cargo run` and `cargo test`: what they have built serves again. What is deployed has no more than it needs.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Profile::Lambda => &["--package", "runtime"],
            Profile::Dev => &["--workspace"],
        }
    }
}

/// Whether this machine runs what Lambda would run for the architecture.
pub fn is_host(architecture: &str) -> bool {
    let host = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    };
    cfg!(target_os = "linux") && host == architecture
}

/// What to expect of a first build with a profile, on two cores; nothing when there has been one.
pub fn first_time(profile: Profile) -> Result<&'static str, Failure> {
    let (folder, expectation) = match profile {
        Profile::Lambda => ("lambda", " (the first time, about 10 minutes)"),
        Profile::Dev => ("debug", " (the first time, less than a minute after `cargo run` or `cargo test`)"),
    };
    let built = checkout::target()?.join(folder).join("bootstrap").exists();
    Ok(if built { "" } else { expectation })
}

/// Builds and answers where the binary lies.
pub async fn for_host(profile: Profile) -> Result<PathBuf, Failure> {
    let mut cargo = Command::from(checkout::cargo());
    cargo.arg("build").args(profile.packages()).args(["--bin", "bootstrap", "--profile", profile.name()]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    cargo.current_dir(checkout::root()?).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = cargo.output().await.map_err(|error| {
        Failure::new(format!("cargo cannot be started: {error}"))
            .hint("install Rust, or take a released bundle with --bundle FILE")
    })?;
    if !output.status.success() {
        return Err(Failure::new(format!("the handlers do not compile: cargo ended with {}", output.status)));
    }
    executable(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| Failure::new("cargo built no `bootstrap`; the checkout's runtime package should have one"))
}

/// The executable among cargo's messages.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let built = messages.filter(|message| message.pointer("/target/name").is_some_and(|name| name == "bootstrap"));
    built.filter_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?))).next_back()
}

/// The newest `GLIBC_2.x` that a binary asks for.
pub fn newest_glibc(binary: &[u8]) -> Option<u32> {
    const MARK: &[u8] = b"GLIBC_2.";
    let places = memmem::find_iter(binary, MARK);
    let minor = |at: usize| {
        let digits = binary[at + MARK.len()..].iter().take_while(|byte| byte.is_ascii_digit()).take(3);
        digits.fold(None, |number: Option<u32>, digit| Some(number.unwrap_or(0) * 10 + u32::from(digit - b'0')))
    };
    places.filter_map(minor).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_c_library_is_found() {
        assert_eq!(newest_glibc(b"..GLIBC_2.17\0..GLIBC_2.34\0..GLIBC_2.4\0"), Some(34));
        assert_eq!(newest_glibc(b"static"), None);
    }

    #[test]
    fn the_executable_is_taken_from_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"billing"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"bootstrap"},"executable":"/t/debug/bootstrap"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages), Some(PathBuf::from("/t/debug/bootstrap")));
    }
}
