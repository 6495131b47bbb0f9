//! Parts of a cost report as objects in S3. Each is read as it was when it was looked at: by its version where the bucket
//! keeps versions, by its ETag elsewhere, so that a part which AWS replaces in the meantime is noticed.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{io, mem};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Region;
use cur::{Manifest, Ranges, Source};
use futures::future::try_join_all;
use tokio::runtime::Handle;

use super::listed::{chosen, is_manifest, is_report};
use super::place::Address;
use crate::cloud::connection::check_endpoint;
use crate::cloud::errors::call_error;
use crate::cloud::sdk_config;
use crate::ui::failure::Failure;

/// Bytes of one request: a request takes as long as some megabytes do.
const REQUEST_BYTES: usize = 4 << 20;
/// How often a request is made whose answer breaks off.
const TRIES: u32 = 3;
/// Where a bucket is looked for first; S3 answers with the region it is in.
const FIRST_REGION: &str = "us-east-1";

/// A bucket with reports.
pub struct Objects {
    client: Client,
    bucket: String,
    changed: Arc<AtomicBool>,
}

impl Objects {
    /// Connects to a bucket in whatever region it is. `changed` is set when a part is found to have changed.
    pub async fn open(bucket: &str, changed: Arc<AtomicBool>) -> Result<Objects, Failure> {
        check_endpoint()?;
        let config = sdk_config(FIRST_REGION).await;
        let builder = aws_sdk_s3::config::Builder::from(&config).force_path_style(true);
        let client = Client::from_conf(builder.clone().build());
        let region = match client.head_bucket().bucket(bucket).send().await {
            Ok(answer) => answer.bucket_region().map(str::to_owned),
            Err(error) => {
                let answer = error.raw_response();
                answer.and_then(|answer| answer.headers().get("x-amz-bucket-region")).map(str::to_owned)
            }
        };
        let client = match region.filter(|region| region != FIRST_REGION) {
            Some(region) => Client::from_conf(builder.region(Region::new(region)).build()),
            None => client,
        };
        Ok(Objects { client, bucket: bucket.to_owned(), changed })
    }

    /// Finds the parts at an address: an object, those that a manifest lists, or those below a prefix.
    pub async fn find(&self, address: &Address) -> Result<Vec<Box<dyn Source>>, Failure> {
        let keys = if is_report(&address.key) {
            vec![address.key.clone()]
        } else if address.key.ends_with(".json") {
            self.manifest(&address.key).await?.keys
        } else {
            self.below(address).await?
        };
        let parts = try_join_all(keys.into_iter().map(|key| self.part(key))).await?;
        Ok(parts.into_iter().map(|part| Box::new(part) as Box<dyn Source>).collect())
    }

    async fn below(&self, address: &Address) -> Result<Vec<String>, Failure> {
        let is_whole = address.key.is_empty() || address.key.ends_with('/');
        let prefix = if is_whole { address.key.clone() } else { format!("{}/", address.key) };
        let mut pages = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix).into_paginator().send();
        let (mut files, mut manifests) = (Vec::new(), Vec::new());
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unreadable(address, &call_error("s3:ListBucket", error)))?;
            for key in page.contents().iter().filter_map(|object| object.key()) {
                if is_manifest(key) {
                    manifests.push((PathBuf::from(key), self.manifest(key).await?));
                } else if is_report(key) {
                    files.push(key.to_owned());
                }
            }
        }
        if manifests.is_empty() && files.is_empty() {
            let hint = "files of reports end in .parquet, .csv, .csv.gz or .zip";
            return Err(Failure::new(format!("{address} has no cost report below it")).hint(hint));
        }
        if manifests.is_empty() {
            return Ok(files);
        }
        Ok(chosen(manifests)?.into_iter().flat_map(|(_, manifest)| manifest.keys).collect())
    }

    async fn manifest(&self, key: &str) -> Result<Manifest, Failure> {
        let address = self.address(key);
        let answer = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let answer = answer.map_err(|error| unreadable(&address, &call_error("s3:GetObject", error)))?;
        let bytes = answer.body.collect().await.map_err(|error| unreadable(&address, &error))?;
        Manifest::parse(&bytes.into_bytes()).map_err(|cause| {
            Failure::new(format!("{address}: {cause}")).hint("name the report's manifest, or its files one by one")
        })
    }

    async fn part(&self, key: String) -> Result<ObjectPart, Failure> {
        let address = self.address(&key);
        let answer = self.client.head_object().bucket(&self.bucket).key(&key).send().await;
        let answer = answer.map_err(|error| unreadable(&address, &call_error("s3:HeadObject", error)))?;
        let version = answer.version_id().filter(|version| *version != "null").map(str::to_owned);
        let etag = answer.e_tag().map(str::to_owned);
        let pin = match (version, etag) {
            (Some(version), _) => Pin::Version(version),
            (None, Some(etag)) => Pin::Etag(etag),
            (None, None) => return Err(unreadable(&address, &"S3 names neither its version nor its ETag")),
        };
        let length = answer.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or_default();
        let (client, changed, runtime) = (self.client.clone(), self.changed.clone(), Handle::current());
        Ok(ObjectPart { name: address.to_string(), address, length, pin, client, changed, runtime })
    }

    fn address(&self, key: &str) -> Address {
        Address { bucket: self.bucket.clone(), key: key.to_owned() }
    }
}

fn unreadable(address: &Address, cause: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("{address} cannot be read: {cause}"))
        .hint("it takes s3:ListBucket, s3:GetObject and, where the bucket keeps versions, s3:GetObjectVersion")
}

/// What an object is asked for by, so that it cannot be another one.
enum Pin {
    Version(String),
    Etag(String),
}

/// An object.
struct ObjectPart {
    name: String,
    address: Address,
    length: u64,
    pin: Pin,
    client: Client,
    changed: Arc<AtomicBool>,
    runtime: Handle,
}

impl Source for ObjectPart {
    fn name(&self) -> &str {
        &self.name
    }

    fn length(&self) -> u64 {
        self.length
    }

    fn open(&self) -> io::Result<Box<dyn Ranges + '_>> {
        Ok(Box::new(Handled(self)))
    }

    fn request_bytes(&self) -> usize {
        REQUEST_BYTES
    }
}

/// An object that a thread of the reader has open; the calls run on the asynchronous threads.
struct Handled<'a>(&'a ObjectPart);

impl Ranges for Handled<'_> {
    fn read_at(&mut self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        if into.is_empty() {
            return Ok(());
        }
        self.0.runtime.block_on(self.0.fetch(offset, into))
    }
}

impl ObjectPart {
    async fn fetch(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.fetch_once(offset, into).await {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && tries < TRIES => {}
                done => return done,
            }
        }
    }

    /// One request. An answer that breaks off is [`io::ErrorKind::UnexpectedEof`].
    async fn fetch_once(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let range = format!("bytes={offset}-{}", offset + into.len() as u64 - 1);
        let call = self.client.get_object().bucket(&self.address.bucket).key(&self.address.key).range(range);
        let call = match &self.pin {
            Pin::Version(version) => call.version_id(version),
            Pin::Etag(etag) => call.if_match(etag),
        };
        let answer = call.send().await.map_err(|error| {
            let status = error.raw_response().map(|answer| answer.status().as_u16());
            // Another ETag, or no such object or version any more.
            if matches!(status, Some(404 | 412)) {
                return self.has_changed();
            }
            io::Error::other(call_error("s3:GetObject", error).to_string())
        })?;
        if let (Pin::Etag(etag), Some(now)) = (&self.pin, answer.e_tag())
            && etag != now
        {
            return Err(self.has_changed());
        }
        // Stores that stand for S3 may answer with all of an object instead of a range, as HTTP permits.
        let mut skipped = if answer.content_range().is_some() { 0 } else { offset };
        let (mut body, mut rest) = (answer.body, into);
        while !rest.is_empty() {
            let Some(bytes) = body.next().await else { return Err(io::ErrorKind::UnexpectedEof.into()) };
            let bytes = bytes.map_err(|error| io::Error::new(io::ErrorKind::UnexpectedEof, error.to_string()))?;
            let from = bytes.len().min(usize::try_from(skipped).unwrap_or(usize::MAX));
            skipped -= from as u64;
            let count = rest.len().min(bytes.len() - from);
            let (filled, more) = mem::take(&mut rest).split_at_mut(count);
            filled.copy_from_slice(&bytes[from..from + count]);
            rest = more;
        }
        Ok(())
    }

    fn has_changed(&self) -> io::Error {
        self.changed.store(true, Ordering::Relaxed);
        io::Error::other("the object was written again while it was read")
    }
}
