//! `bundle.zip`: the handlers' code as it is deployed, with the hash that Lambda lists as CodeSha256.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use sha2::{Digest, Sha256};

/// A packaged bundle in memory.
pub struct Bundle {
    /// Where it was read from.
    pub path: PathBuf,
    /// The zip.
    pub bytes: Vec<u8>,
    /// Base64 of its SHA-256, as Lambda lists it.
    pub sha256: String,
}

impl Bundle {
    /// Reads a bundle and hashes it. A file that Lambda could not run, for want of `bootstrap`, is none.
    pub fn read(path: &Path) -> std::io::Result<Bundle> {
        let bytes = std::fs::read(path)?;
        let mut zip = zip::ZipArchive::new(Cursor::new(&bytes)).map_err(|error| no_bundle(&error.to_string()))?;
        if zip.by_name(EXECUTABLE).is_err() {
            return Err(no_bundle("it holds no `bootstrap`"));
        }
        let sha256 = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&bytes));
        Ok(Bundle { path: path.to_owned(), bytes, sha256 })
    }
}

/// What Lambda's `provided.al2023` runs.
const EXECUTABLE: &str = "bootstrap";

fn no_bundle(why: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, format!("it is no bundle of handlers: {why}"))
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bundle({}, {} bytes, {})", self.path.display(), self.bytes.len(), self.sha256)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn what_lambda_could_not_run_is_no_bundle() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bundle.zip");
        let refusal = |path: &Path| Bundle::read(path).expect_err("no bundle").to_string();
        std::fs::write(&path, "not a zip").expect("written");
        assert!(refusal(&path).contains("no bundle of handlers"), "{}", refusal(&path));
        let zipped = |name: &str| {
            let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).expect("a file"));
            zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("an entry");
            zip.write_all(b"#!/bin/sh").expect("written");
            zip.finish().expect("a zip");
        };
        zipped("main");
        assert!(refusal(&path).contains("`bootstrap`"), "{}", refusal(&path));
        zipped("bootstrap");
        assert_eq!(Bundle::read(&path).expect("a bundle").sha256.len(), 44);
    }
}
