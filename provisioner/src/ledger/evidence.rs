//! The evidence of an invoice as one archive, signed by the stack's key pair, and its verification.
//!
//! The archive holds the files uncompressed, by name, without dates: the same files and key make the same bytes.

use std::io::{Cursor, Read as _, Write as _};

use billing::evidence::{self, Files, MANIFEST, Manifest, Mismatch, NoEvidence, PUBLIC_KEY};
use billing::invoice::InvoiceRecord;
use zip::result::ZipError;

use super::months::MonthStanding;
use crate::cloud::evidence_key::{EvidenceKey, PublicKey};

/// The signature's name among the files.
const SIGNATURE: &str = "manifest.sig";
/// An invoice's evidence is far smaller: months have 31 days, and services are counted in hundreds.
const MOST_BYTES: u64 = 64 << 20;

/// Why a pack fails verification.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    /// It cannot be read as an archive.
    #[error("it is no archive that billform wrote: {0}")]
    Archive(#[from] ZipError),
    /// It is far larger than evidence is.
    #[error("it holds more than 64 MiB: no evidence of one invoice does")]
    TooLarge,
    /// A file that the signature needs is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The key cannot be read.
    #[error("{PUBLIC_KEY} is no Ed25519 public key")]
    Key,
    /// The key is another's.
    #[error("it was signed by another key: the pack has {found}, expected was {expected}")]
    OtherKey {
        /// The key in the archive, on one line.
        found: String,
        /// The key that was given.
        expected: String,
    },
    /// The signature is not of the manifest.
    #[error("the signature does not hold: {MANIFEST} or {SIGNATURE} has changed")]
    Signature,
    /// A file or a figure is not what was signed.
    #[error(transparent)]
    Content(#[from] Mismatch),
    /// The files hold, and the archive around them does not.
    #[error("bytes outside of the archive's files have changed")]
    Around,
}

/// The files of an invoice's evidence, by what the ledger holds.
///
/// # Errors
/// When the invoice cannot be derived any more.
pub fn compose(record: &InvoiceRecord, standing: &MonthStanding) -> Result<Files, NoEvidence> {
    evidence::compose(record, &standing.days, &standing.assessment.own)
}

/// Adds manifest, key and signature, and packs all of it.
///
/// # Errors
/// When a file cannot be written.
pub fn pack(record: &InvoiceRecord, mut files: Files, key: &EvidenceKey) -> Result<Vec<u8>, PackError> {
    files.insert(PUBLIC_KEY.to_owned(), key.public().pem().into());
    let manifest = evidence::manifest(record, &files)?;
    files.insert(SIGNATURE.to_owned(), key.sign(&manifest));
    files.insert(MANIFEST.to_owned(), manifest);
    Ok(archived(&files)?)
}

/// Why evidence cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The invoice has none.
    #[error(transparent)]
    NoEvidence(#[from] NoEvidence),
    /// The archive cannot be written.
    #[error("the archive cannot be written: {0}")]
    Archive(#[from] ZipError),
}

/// What a pack that holds says.
pub struct Verified {
    /// Its manifest.
    pub manifest: Manifest,
    /// The key that signed it.
    pub key: PublicKey,
}

/// Verifies a pack: the signature, each file, each figure, and that no other byte has changed.
///
/// # Errors
/// The first thing that does not hold.
pub fn verify(archive: &[u8], expected: Option<PublicKey>) -> Result<Verified, Invalid> {
    let all = files(archive)?;
    let mut files = all.clone();
    let signature = files.remove(SIGNATURE).ok_or(Invalid::Missing(SIGNATURE))?;
    let key = files.get(PUBLIC_KEY).ok_or(Invalid::Missing(PUBLIC_KEY))?;
    let key = std::str::from_utf8(key).ok().and_then(PublicKey::read).ok_or(Invalid::Key)?;
    if let Some(expected) = expected.filter(|expected| *expected != key) {
        return Err(Invalid::OtherKey { found: key.line(), expected: expected.line() });
    }
    let signed = files.get(MANIFEST).ok_or(Invalid::Missing(MANIFEST))?;
    if !key.verifies(signed, &signature) {
        return Err(Invalid::Signature);
    }
    let manifest = evidence::check(&files)?;
    if archived(&all)? != archive {
        return Err(Invalid::Around);
    }
    Ok(Verified { manifest, key })
}

fn archived(files: &Files) -> Result<Vec<u8>, ZipError> {
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .unix_permissions(0o644)
        .last_modified_time(zip::DateTime::default());
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(name, options)?;
        archive.write_all(bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

fn files(archive: &[u8]) -> Result<Files, Invalid> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive))?;
    let (mut files, mut left) = (Files::new(), MOST_BYTES);
    for at in 0..archive.len() {
        let file = archive.by_index(at)?;
        let (name, mut bytes) = (file.name()?.into_owned(), Vec::new());
        file.take(left + 1).read_to_end(&mut bytes).map_err(ZipError::from)?;
        left = left.checked_sub(bytes.len() as u64).ok_or(Invalid::TooLarge)?;
        files.insert(name, bytes);
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
