//! `bundle.zip`: the handlers' code as it is deployed, with the hash that Lambda lists as CodeSha256.

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
    /// Reads a bundle and hashes it.
    pub fn read(path: &Path) -> std::io::Result<Bundle> {
        let bytes = std::fs::read(path)?;
        let sha256 = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(&bytes));
        Ok(Bundle { path: path.to_owned(), bytes, sha256 })
    }
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bundle({}, {} bytes, {})", self.path.display(), self.bytes.len(), self.sha256)
    }
}
