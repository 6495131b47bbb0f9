//! Parts of a cost report as files on this machine.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use cur::{Ranges, Source};

use crate::ui::failure::Failure;

/// A file; every thread opens it for itself.
pub struct DiskPart {
    name: String,
    path: PathBuf,
    length: u64,
}

impl DiskPart {
    /// Looks at a file.
    pub fn new(path: &Path) -> Result<DiskPart, Failure> {
        let metadata = path.metadata();
        let length =
            metadata.map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))?.len();
        Ok(DiskPart { name: path.display().to_string(), path: path.to_owned(), length })
    }
}

impl Source for DiskPart {
    fn name(&self) -> &str {
        &self.name
    }

    fn length(&self) -> u64 {
        self.length
    }

    fn open(&self) -> io::Result<Box<dyn Ranges + '_>> {
        Ok(Box::new(Handle(File::open(&self.path)?)))
    }
}

struct Handle(File);

impl Ranges for Handle {
    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(into, offset)
    }
}
