//! The bucket over the SDK. Conditional writes are told apart from failures here, and the store's clock is read.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::{ByteStream, DateTime, DateTimeFormat};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::objects::{Condition, Object, ObjectError, Objects, Put};
use crate::cloud::connection::Connection;
use crate::cloud::errors::{call_error, code};

/// A bucket.
pub struct Bucket {
    pub(super) client: Client,
    pub(super) name: String,
}

/// The header that carries an object's label: `x-amz-meta-billform`.
const LABEL: &str = "billform";
/// A state of ten thousand tenants takes seconds; what takes longer is lost.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);
/// S3 answers 409 when two conditional writes of one key meet: the winner is known a moment later.
const CONFLICT_TRIES: u32 = 8;
const CONFLICT_PAUSE: Duration = Duration::from_millis(100);
/// Keys that one call deletes at most.
const DELETED_AT_ONCE: usize = 1_000;

impl Bucket {
    /// The bucket `name` in `region`. Its calls are counted, and pass no gate: what was done must be written down.
    pub fn new(connection: &Connection, name: &str, region: &str) -> Bucket {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
        let config = aws_sdk_s3::config::Builder::from(&connection.config)
            .region(aws_sdk_s3::config::Region::new(region.to_owned()))
            .force_path_style(true)
            .timeout_config(timeouts)
            .interceptor(connection.calls.ungated())
            .build();
        Bucket { client: Client::from_conf(config), name: name.to_owned() }
    }

    fn failed<E>(&self, operation: &str, error: SdkError<E, Response>) -> ObjectError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match code(&error) {
            Some("NoSuchBucket") => ObjectError::NoBucket(self.name.clone()),
            _ => ObjectError::Failed(call_error(operation, error).to_string()),
        }
    }
}

#[async_trait]
impl Objects for Bucket {
    async fn get(&self, key: &str) -> Result<Option<Object>, ObjectError> {
        let date = ServerDate::default();
        let call = self.client.get_object().bucket(&self.name).key(key);
        let answer = match call.customize().interceptor(date.clone()).send().await {
            Ok(answer) => answer,
            Err(error) if code(&error) == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(self.failed("s3:GetObject", error)),
        };
        let etag = answer.e_tag().unwrap_or_default().to_owned();
        let label = answer.metadata().and_then(|metadata| metadata.get(LABEL)).cloned();
        let age = age(answer.last_modified(), date.read());
        let body = answer.body.collect().await;
        let body = body.map_err(|error| ObjectError::Failed(format!("s3:GetObject: {key} broke off: {error}")))?;
        Ok(Some(Object { body: body.to_vec(), etag, label, age }))
    }

    async fn put(
        &self,
        key: &str,
        body: Vec<u8>,
        label: Option<&str>,
        condition: Condition<'_>,
    ) -> Result<Put, ObjectError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let call = self.client.put_object().bucket(&self.name).key(key).content_type("application/json");
            let call = match condition {
                Condition::Absent => call.if_none_match("*"),
                Condition::Is(etag) => call.if_match(etag),
            };
            let call = match label {
                Some(label) => call.metadata(LABEL, label),
                None => call,
            };
            let error = match call.body(ByteStream::from(body.clone())).send().await {
                Ok(answer) => return Ok(Put::Written(answer.e_tag().unwrap_or_default().to_owned())),
                Err(error) => error,
            };
            match error.raw_response().map(|answer| answer.status().as_u16()) {
                Some(412) => return Ok(Put::Refused),
                // The object that was to have that ETag is gone.
                Some(404) if code(&error) == Some("NoSuchKey") => return Ok(Put::Refused),
                Some(409) if tries < CONFLICT_TRIES => tokio::time::sleep(CONFLICT_PAUSE * tries).await,
                _ => return Err(self.failed("s3:PutObject", error)),
            }
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        let mut pages = self.client.list_objects_v2().bucket(&self.name).prefix(prefix).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed("s3:ListBucket", error))?;
            keys.extend(page.contents().iter().filter_map(|object| object.key()).map(str::to_owned));
        }
        Ok(keys)
    }

    async fn delete(&self, keys: &[String]) -> Result<(), ObjectError> {
        for keys in keys.chunks(DELETED_AT_ONCE) {
            let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build());
            let objects = objects.collect::<Result<Vec<_>, _>>();
            let delete = objects.and_then(|objects| Delete::builder().set_objects(Some(objects)).quiet(true).build());
            let delete = delete.map_err(|error| ObjectError::Failed(format!("s3:DeleteObject: {error}")))?;
            let answer = self.client.delete_objects().bucket(&self.name).delete(delete).send().await;
            let answer = answer.map_err(|error| self.failed("s3:DeleteObject", error))?;
            if let Some(error) = answer.errors().first() {
                let (key, why) = (error.key().unwrap_or_default(), error.code().unwrap_or_default());
                return Err(ObjectError::Failed(format!("s3:DeleteObject: {key} stays: {why}")));
            }
        }
        Ok(())
    }
}

/// Both dates are the store's and have whole seconds, so up to one second of the difference is rounding.
fn age(written: Option<&DateTime>, now: Option<DateTime>) -> Option<Duration> {
    let seconds = now?.secs() - written?.secs() - 1;
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// Takes down the `Date` of an answer, which the SDK does not hand on.
#[derive(Debug, Clone, Default)]
struct ServerDate(Arc<Mutex<Option<DateTime>>>);

impl ServerDate {
    fn read(&self) -> Option<DateTime> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for ServerDate {
    fn name(&self) -> &'static str {
        "ServerDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_never_counts_what_rounding_may_have_added() {
        let at = DateTime::from_secs;
        assert_eq!(age(Some(&at(100)), Some(at(161))), Some(Duration::from_secs(60)));
        assert_eq!(age(Some(&at(100)), Some(at(100))), Some(Duration::ZERO));
        assert_eq!(age(Some(&at(100)), Some(at(90))), Some(Duration::ZERO));
        assert_eq!(age(Some(&at(100)), None), None);
    }
}
