//! What the tests run: the `billform` binary and a bundle of the handlers, each built when it is missing or stale.
//!
//! Cargo gives a test the path of its own package's binaries only, and `provisioner` is a dependency here as a
//! library. So the binary is looked for where cargo puts it, beside the folder of the test executable, and built by
//! cargo when a source is newer. `cargo test --workspace` has built it by then.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::SystemTime;

/// Names another `billform` to test: a released one, say.
const BINARY: &str = "BILLFORM_BINARY";

/// The root of the checkout.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace")
}

/// Cargo's target folder, known from where this test executable lies: `target/debug/deps/arc-…`.
pub fn target_folder() -> PathBuf {
    profile_folder().parent().expect("the profile's folder lies in the target folder").to_owned()
}

fn profile_folder() -> PathBuf {
    let executable = std::env::current_exe().expect("this executable has a path");
    let folder = executable.parent().expect("it lies in a folder");
    // Tests lie in `deps`, binaries such as the benchmark one above.
    match folder.ends_with("deps") {
        true => folder.parent().expect("`deps` lies in the profile's folder").to_owned(),
        false => folder.to_owned(),
    }
}

/// Where local clouds of the workspace live, so that MiniStack is installed once.
pub fn local_cloud_home() -> PathBuf {
    target_folder().join("localcloud")
}

/// The `billform` to run, of the same profile as this executable.
pub fn binary() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(named) = std::env::var_os(BINARY) {
            return named.into();
        }
        let _one_at_a_time = lock("binary");
        let path = profile_folder().join("billform");
        if is_stale(&path, &["provisioner", "runtime", "templates", "Cargo.lock"]) {
            cargo_build("billform");
        }
        path
    })
}

/// A bundle of the handlers for this machine, quick to build; one for all test executables.
pub fn bundle() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let path = target_folder().join("tests/bundle.zip");
        let _one_at_a_time = lock("bundle");
        if is_stale(&path, &["runtime", "Cargo.lock"]) {
            package(&path);
        }
        path
    })
}

/// A bundle whose handler does nothing, for what deploys functions and never calls them.
pub fn dummy_bundle() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let path = target_folder().join("tests/dummy.zip");
        let _one_at_a_time = lock("dummy");
        // Others may be reading the one that is there, and all are the same.
        if path.exists() {
            return path;
        }
        let mut zip = zip::ZipWriter::new(File::create(&path).expect("the bundle can be written"));
        let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
        let options = options.last_modified_time(zip::DateTime::default());
        zip.start_file("bootstrap", options).expect("a file in the bundle");
        zip.write_all(b"#!/bin/sh\nexit 1\n").expect("the bundle can be written");
        zip.finish().expect("the bundle can be written");
        path
    })
}

/// `package` finds cargo's own settings in the environment, so it inherits this one. The checkout has no manifest, and
/// needs none.
fn package(out: &Path) {
    let mut command = Command::new(binary());
    command.args(["package", "--host", "--out"]).arg(out);
    command.env("CARGO_TARGET_DIR", target_folder()).current_dir(checkout());
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.status().expect("billform starts");
    assert!(status.success(), "packaging ended with {status}");
}

fn cargo_build(binary: &str) {
    let mut command = provisioner::bundle::checkout::cargo();
    // The whole workspace decides the features, so that what the tests themselves were built with serves again.
    command.args(["build", "--workspace", "--bin", binary]).current_dir(checkout());
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    command.env("CARGO_TARGET_DIR", target_folder()).stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.status().expect("cargo starts");
    assert!(status.success(), "building {binary} ended with {status}");
}

/// Held until dropped, by one process of all test executables.
fn lock(name: &str) -> File {
    let folder = target_folder().join("tests");
    fs::create_dir_all(&folder).expect("the target folder can be written");
    let file = File::create(folder.join(format!("{name}.lock"))).expect("a lock file");
    file.lock().expect("the lock is had");
    file
}

/// Whether it is missing, or older than any file of these parts of the checkout.
fn is_stale(built: &Path, sources: &[&str]) -> bool {
    let Ok(built) = fs::metadata(built).and_then(|metadata| metadata.modified()) else { return true };
    sources.iter().any(|source| newest(&checkout().join(source)) > built)
}

/// When the newest file of a folder was written, tests and documents left out.
fn newest(path: &Path) -> SystemTime {
    let is_part = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        !matches!(name.as_ref(), "tests" | "target" | "proptest-regressions") && !name.starts_with('.')
    };
    if path.is_dir() {
        let entries = fs::read_dir(path).expect("the checkout can be read").flatten();
        return entries.filter(is_part).map(|entry| newest(&entry.path())).max().unwrap_or(SystemTime::UNIX_EPOCH);
    }
    fs::metadata(path).and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}
