//! Building the bundle: compile `bootstrap` for an architecture, zip it. The same binary gives the same bytes.

mod compile;
mod cross;

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use base64::Engine as _;
use memchr::memmem;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;

use crate::store::file;
use crate::ui::failure::Failure;

pub use compile::Profile;

/// What to build.
#[derive(Debug, Clone, Copy)]
pub struct Recipe<'a> {
    /// `x86_64` or `arm64`, as Lambda writes it.
    pub architecture: &'a str,
    /// Build for this machine whatever the architecture: the local cloud runs functions as processes of the host.
    pub host: bool,
    /// How it is optimised.
    pub profile: Profile,
}

/// A bundle that was built.
#[derive(Debug)]
pub struct Built {
    /// Base64 of the zip's SHA-256, as Lambda lists it.
    pub sha256: String,
    /// The zip's size, in bytes.
    pub bytes: usize,
}

/// Lambda's limit on a zip uploaded directly, in bytes (aws-stripe-quirks, "Lambda").
const DIRECT_UPLOAD_LIMIT: usize = 50 * 1024 * 1024;

/// Compiles and zips into `out`, whole or not at all. Compilers talk to stderr.
pub async fn build(recipe: Recipe<'_>, out: &Path, progress: &dyn Fn(&str)) -> Result<Built, Failure> {
    let binary = if recipe.host || compile::is_host(recipe.architecture) {
        progress(&format!("compiling the handlers for this machine{}", compile::first_time(recipe.profile)?));
        let binary = compile::for_host(recipe.profile).await?;
        let bytes = fs::read(&binary)?;
        match compile::newest_glibc(&bytes) {
            Some(needed) if !recipe.host && needed > compile::LAMBDA_GLIBC => {
                progress(&format!("this machine's C library (2.{needed}) is newer than Lambda's: compiling with zig"));
                fs::read(cross::compile(recipe.architecture, recipe.profile, progress).await?)?
            }
            _ => bytes,
        }
    } else {
        progress(&format!("compiling the handlers for {} with zig", recipe.architecture));
        fs::read(cross::compile(recipe.architecture, recipe.profile, progress).await?)?
    };
    if recipe.profile == Profile::Lambda && holds_development_code(&binary) {
        return Err(Failure::new(
            "the handlers were compiled with code of the local cloud: they would ask it for the time",
        )
        .hint("`[profile.lambda]` must not turn debug assertions on; nothing was written"));
    }
    let zip = archive(&binary)?;
    if zip.len() > DIRECT_UPLOAD_LIMIT && !recipe.host {
        return Err(Failure::new(format!(
            "the bundle has {} bytes, Lambda takes {DIRECT_UPLOAD_LIMIT} directly",
            zip.len()
        )));
    }
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder)?;
    }
    file::replace(out, &zip).map_err(|error| Failure::new(format!("{} cannot be written: {error}", out.display())))?;
    let sha256 = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&zip));
    Ok(Built { sha256, bytes: zip.len() })
}

/// What development builds of the handlers ask the local cloud for, and no other build holds.
const LOCAL_CLOCK: &[u8] = b"/_billform/clock";

/// Whether handlers were compiled for development: a test of theirs finds the same text in a development build.
fn holds_development_code(binary: &[u8]) -> bool {
    memmem::find(binary, LOCAL_CLOCK).is_some()
}

/// A zip with the one file Lambda looks for. Time and mode are fixed, so that nothing but the binary counts.
fn archive(binary: &[u8]) -> Result<Vec<u8>, Failure> {
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .compression_level(Some(6))
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o755);
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", options)?;
    zip.write_all(binary)?;
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_binary_gives_the_same_bytes_and_another_gives_others() {
        let zip = |binary: &[u8]| archive(binary).expect("zips");
        assert_eq!(zip(b"one"), zip(b"one"));
        assert_ne!(zip(b"one"), zip(b"two"));
    }

    #[test]
    fn handlers_of_a_development_build_are_told_from_others() {
        assert!(holds_development_code(b"ELF\0/_billform/clock\0"));
        assert!(!holds_development_code(b"ELF\0/_billform/cloc\0") && !holds_development_code(b""));
    }

    #[test]
    fn the_bundle_holds_an_executable_bootstrap() {
        let bytes = archive(b"binary").expect("zips");
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip");
        let file = zip.by_name("bootstrap").expect("the file Lambda looks for");
        assert_eq!(file.unix_mode().map(|mode| mode & 0o777), Some(0o755));
        assert_eq!(file.last_modified().map(|time| time.year()), Some(1980));
    }
}
