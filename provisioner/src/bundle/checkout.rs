//! The checkout billform was started from, and the folder its tools live in.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ui::failure::Failure;

/// The root of billform's own checkout, searched upwards from the current folder and from the program itself.
pub fn root() -> Result<PathBuf, Failure> {
    let here = std::env::current_dir()?;
    let program = std::env::current_exe()?;
    let found = here.ancestors().chain(program.ancestors()).find(|folder| is_root(folder));
    found.map(Path::to_owned).ok_or_else(|| {
        Failure::new("this needs a checkout of billform, and there is none above the current folder")
            .hint("run it inside a clone, or take a released bundle with --bundle FILE")
    })
}

fn is_root(folder: &Path) -> bool {
    folder.join("runtime/billing/Cargo.toml").is_file() && folder.join("provisioner/Cargo.toml").is_file()
}

/// The folder that build outputs and tools go to: `CARGO_TARGET_DIR` where set, else `target` of the checkout.
pub fn target() -> Result<PathBuf, Failure> {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => Ok(std::path::absolute(PathBuf::from(folder))?),
        None => Ok(root()?.join("target")),
    }
}

/// Cargo, to build the checkout with. What an outer cargo says of the package that it runs, `cargo run -- demo` say, is
/// kept from it: build scripts that look at such variables, as ring's does, would build all that rests on them anew each
/// time.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let of_a_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_PACKAGE"];
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| of_a_package.iter().any(|prefix| name.starts_with(prefix))) {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Where the local cloud lives: below the target folder, or the user's cache folder without a checkout.
pub fn local_cloud_home() -> Result<PathBuf, Failure> {
    if let Ok(target) = target() {
        return Ok(target.join("localcloud"));
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = cache.or_else(home).ok_or_else(|| Failure::new("neither XDG_CACHE_HOME nor HOME is set"))?;
    Ok(cache.join("billform/localcloud"))
}
