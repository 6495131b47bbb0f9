//! The `billform` that is measured: the one built beside this program.

use std::path::PathBuf;

use crate::Fallible;

/// The folder of this program, `target/release` or `target/debug`.
fn folder() -> Fallible<PathBuf> {
    let here = std::env::current_exe().map_err(|error| format!("where this program lies: {error}"))?;
    here.parent().map(PathBuf::from).ok_or_else(|| "this program lies in no folder".to_owned())
}

/// The target folder.
pub fn target() -> Fallible<PathBuf> {
    folder()?.parent().map(PathBuf::from).ok_or_else(|| "this program does not lie in a target folder".to_owned())
}

/// Whether this program, and so the billform beside it, is optimised.
pub fn profile() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { "release" }
}

/// The `billform` of this program's profile. This package depends on billform as a library only, so cargo does not
/// build the binary with it: it is built here when it is missing, and checked for being up to date when it is not,
/// because old figures under a new name would be worse than none.
pub fn billform() -> Fallible<PathBuf> {
    let mut build = provisioner::bundle::checkout::cargo();
    build.args(["build", "--quiet", "--workspace", "--bin", "billform"]);
    if profile() == "release" {
        build.arg("--release");
    }
    build.current_dir(env!("CARGO_MANIFEST_DIR")).env("CARGO_TARGET_DIR", target()?);
    let path = folder()?.join("billform");
    match build.status() {
        Ok(status) if status.success() && path.exists() => Ok(path),
        Ok(status) => Err(format!("building billform ended with {status}, and {} is not there", path.display())),
        // A copy without cargo measures what lies beside it.
        Err(_) if path.exists() => Ok(path),
        Err(error) => Err(format!("there is no {}, and cargo cannot be run: {error}", path.display())),
    }
}
