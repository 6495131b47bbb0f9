//! Compiling `bootstrap` for another architecture or an older C library: cargo-lambda with zig as the linker,
//! both from PyPI, in a venv of their own below the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::Profile;
use crate::bundle::checkout;
use crate::ui::failure::Failure;

/// The pinned tools (local-cloud, "Packaging").
const TOOLS: [&str; 2] = ["cargo-lambda==1.9.2", "ziglang==0.13.0"];

/// Rust's name of the target.
fn target(architecture: &str) -> &'static str {
    match architecture {
        "arm64" => "aarch64-unknown-linux-gnu",
        _ => "x86_64-unknown-linux-gnu",
    }
}

/// Builds a binary and returns where it lies.
pub async fn compile(architecture: &str, profile: Profile, progress: &dyn Fn(&str)) -> Result<PathBuf, Failure> {
    let tools = tools(progress).await?;
    let target = target(architecture);
    add_target(target, progress).await?;
    let folder = checkout::target()?.join("packaged");
    let mut build = Command::new(tools.join("bin/cargo-lambda"));
    build.args(["lambda", "build", "--package", "runtime", "--bin", "bootstrap", "--target", target]);
    build.args(["--profile", profile.name()]);
    build.arg("--lambda-dir").arg(&folder);
    // zig comes from the venv, whatever else is on the machine.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(tools.join("bin")).chain(std::env::split_paths(&path));
    build.env("PATH", std::env::join_paths(paths)?).current_dir(checkout::root()?);
    run(build, "cargo-lambda").await?;
    Ok(folder.join("bootstrap/bootstrap"))
}

/// The venv with the tools, made once.
async fn tools(progress: &dyn Fn(&str)) -> Result<PathBuf, Failure> {
    let venv = checkout::target()?.join("package-tools");
    let ready = venv.join("ready");
    if fs::read_to_string(&ready).is_ok_and(|tools| tools == TOOLS.join(" ")) {
        return Ok(venv);
    }
    progress("setting up cargo-lambda and zig (once, about a minute)");
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&venv);
    run(make, "python3 -m venv").await?;
    let mut pip = Command::new(venv.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(TOOLS);
    run(pip, "pip install").await?;
    link_zig(&venv)?;
    fs::write(&ready, TOOLS.join(" "))?;
    Ok(venv)
}

/// PyPI's zig is a Python module: cargo-lambda looks for a program of that name.
fn link_zig(venv: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let zig = venv.join("bin/zig");
    let python = venv.join("bin/python3");
    fs::write(&zig, format!("#!/bin/sh\nexec \"{}\" -m ziglang \"$@\"\n", python.display()))?;
    fs::set_permissions(&zig, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// Rust's standard library for the target, where rustup is at hand to get it.
async fn add_target(target: &str, progress: &dyn Fn(&str)) -> Result<(), Failure> {
    let mut list = Command::new("rustup");
    let listed = list.args(["target", "list", "--installed"]).stderr(Stdio::null()).output().await;
    if listed.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).lines().any(|line| line == target)) {
        return Ok(());
    }
    progress(&format!("adding Rust's standard library for {target}"));
    let mut add = Command::new("rustup");
    add.args(["target", "add", target]).current_dir(checkout::root()?);
    run(add, "rustup target add").await
}

async fn run(mut command: Command, name: &str) -> Result<(), Failure> {
    // What tools say is progress: stdout is for the command's result.
    let output = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).output().await;
    let output = output.map_err(|error| Failure::new(format!("{name} cannot be started: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    anstream::eprint!("{}", String::from_utf8_lossy(&output.stdout));
    Err(Failure::new(format!("{name} failed: {}", output.status)))
}
