//! `bundle.zip`: the handlers' code as it is deployed, with the hash that Lambda lists as CodeSha256.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

/// A packaged bundle in memory.
pub struct Bundle {
    /// Where it was read from.
    pub path: PathBuf,
    /// The zip.
    pub bytes: Vec<u8>,
    /// Base64 of its SHA-256, as Lambda lists it.
    pub sha256: String,
    uploading: Mutex<()>,
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
        Ok(Bundle { path: path.to_owned(), bytes, sha256, uploading: Mutex::default() })
    }

    /// Sends a copy of the zip, one at a time: Lambda takes it as Base64 within JSON, so that each upload holds it about
    /// five times over.
    pub async fn upload<T, F: Future<Output = T>>(&self, send: impl FnOnce(Vec<u8>) -> F) -> T {
        let _turn = self.uploading.lock().await;
        send(self.bytes.clone()).await
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

    #[tokio::test]
    async fn one_upload_follows_the_other() {
        let (path, sha256) = (PathBuf::from("bundle.zip"), String::new());
        let bundle = Bundle { path, bytes: vec![7], sha256, uploading: Mutex::default() };
        let under_way = &std::sync::atomic::AtomicUsize::new(0);
        let send = |zip: Vec<u8>| async move {
            let others = under_way.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            tokio::task::yield_now().await;
            under_way.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
            (zip, others)
        };
        let sent = futures::future::join_all([bundle.upload(send), bundle.upload(send)]).await;
        assert_eq!(sent, [(vec![7], 0), (vec![7], 0)]);
    }
}
