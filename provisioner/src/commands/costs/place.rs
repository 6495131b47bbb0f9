//! Where a cost report lies: on this machine or in S3.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A place that is named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file or a folder.
    Disk(PathBuf),
    /// An object, or all objects below a prefix.
    Bucket(Address),
}

/// An address in S3: `s3://BUCKET/KEY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The bucket's name.
    pub bucket: String,
    /// A key or a prefix, without a slash before it; empty for the whole bucket.
    pub key: String,
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "s3://{}/{}", self.bucket, self.key)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Place, String> {
        let Some(address) = text.strip_prefix("s3://") else { return Ok(Place::Disk(text.into())) };
        let (bucket, key) = address.split_once('/').unwrap_or((address, ""));
        if bucket.is_empty() {
            return Err(format!("`{text}` names no bucket; an address looks like s3://BUCKET/KEY"));
        }
        Ok(Place::Bucket(Address { bucket: bucket.to_owned(), key: key.to_owned() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_paths_are_told_apart() {
        let address =
            |bucket: &str, key: &str| Ok(Place::Bucket(Address { bucket: bucket.to_owned(), key: key.to_owned() }));
        assert_eq!("s3://b/p/report.parquet".parse(), address("b", "p/report.parquet"));
        assert_eq!("s3://b".parse(), address("b", ""));
        assert_eq!("s3/b".parse::<Place>(), Ok(Place::Disk("s3/b".into())));
        assert!("s3:///key".parse::<Place>().is_err());
    }
}
