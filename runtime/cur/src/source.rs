//! Where bytes come from: the caller's files, objects or memory.

use std::io;

/// One file of a report. Each thread opens it for itself: a shared handle would share its position.
pub trait Source: Send + Sync {
    /// What errors call it.
    fn name(&self) -> &str;

    /// Its length in bytes.
    fn length(&self) -> u64;

    /// Opens it for one thread.
    fn open(&self) -> io::Result<Box<dyn Ranges + '_>>;

    /// How many bytes one request had better bring: small for a disk, larger for a network.
    fn request_bytes(&self) -> usize {
        256 * 1024
    }
}

/// An open file.
pub trait Ranges: Send {
    /// Fills `into` with the bytes from `offset` on; fewer are an error.
    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> io::Result<()>;
}

/// A file in memory.
#[derive(Debug, Clone)]
pub struct Bytes {
    name: String,
    bytes: Vec<u8>,
}

impl Bytes {
    /// Names bytes.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Bytes {
        Bytes { name: name.into(), bytes: bytes.into() }
    }
}

impl Source for Bytes {
    fn name(&self) -> &str {
        &self.name
    }

    fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn open(&self) -> io::Result<Box<dyn Ranges + '_>> {
        Ok(Box::new(self.bytes.as_slice()))
    }
}

impl Ranges for &[u8] {
    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(offset).ok().and_then(|from| self.get(from..)?.get(..into.len()));
        into.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}
