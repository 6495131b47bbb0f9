//! Calls held to the rates that AWS and Stripe publish, so that they are not refused in the first place.
//!
//! The rates are the ones the local cloud enforces for tests. Buckets are half as deep here: calls that left evenly
//! can arrive in a bunch, and the other half is what the service then takes. Another endpoint than AWS's or Stripe's
//! own has rates of its own and is not paced, unless `BILLFORM_PACING` is `on`; `off` paces nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::identity::{
    IdentityFuture, ResolveCachedIdentity, SharedIdentityCache, SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::config_bag::ConfigBag;
use aws_types::SigningName;
use localcloud::gateway::rates::{Rate, Rates, published};

/// The buckets of one account; clones share them.
#[derive(Debug, Clone)]
pub struct Pacer(Option<Arc<Buckets>>);

#[derive(Debug)]
struct Buckets {
    rates: Mutex<Rates>,
    began: Instant,
}

impl Pacer {
    /// For AWS's or Stripe's own endpoint, or for another one.
    pub fn of_endpoint(is_another: bool) -> Pacer {
        let on = match std::env::var("BILLFORM_PACING").as_deref() {
            Ok("on") => true,
            Ok("off") => false,
            _ => !is_another,
        };
        if on { Pacer::with(published()) } else { Pacer(None) }
    }

    fn with(rates: Vec<Rate>) -> Pacer {
        let half = |rate: Rate| Rate { burst: rate.burst.div_ceil(2), ..rate };
        let mut buckets = Rates::default();
        // The published table is sound (its own test), so nothing is refused here.
        let _ = buckets.set(rates.into_iter().map(half).collect());
        Pacer(Some(Arc::new(Buckets { rates: Mutex::new(buckets), began: Instant::now() })))
    }

    /// Waits until the service takes one more call. Names are those of signatures and of the API.
    pub async fn wait(&self, service: &str, operation: &str) {
        let Some(buckets) = &self.0 else { return };
        loop {
            let now = buckets.began.elapsed();
            let taken = buckets.rates.lock().unwrap_or_else(PoisonError::into_inner).take(service, operation, now);
            let Err(pause) = taken else { return };
            tokio::time::sleep(pause).await;
        }
    }
}

/// The configuration with every attempt of every client paced. Its identity is the one thing an attempt waits for
/// before it is signed and sent, retries included, so this is where it is held; whatever looks at a call just before
/// it goes out looks after the wait.
pub fn paced(config: &SdkConfig, pacer: Pacer) -> SdkConfig {
    match config.identity_cache() {
        Some(inner) if pacer.0.is_some() => config.to_builder().identity_cache(Paced { pacer, inner }).build(),
        _ => config.clone(),
    }
}

#[derive(Debug)]
struct Paced {
    pacer: Pacer,
    inner: SharedIdentityCache,
}

impl ResolveCachedIdentity for Paced {
    fn resolve_cached_identity<'a>(
        &'a self,
        resolver: SharedIdentityResolver,
        components: &'a RuntimeComponents,
        config: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        IdentityFuture::new(async move {
            // Rates go by the name that requests are signed for; every client knows its own.
            if let (Some(service), Some(call)) = (config.load::<SigningName>(), config.load::<Metadata>()) {
                self.pacer.wait(service.as_ref(), call.name()).await;
            }
            self.inner.resolve_cached_identity(resolver, components, config).await
        })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        ResolveCachedIdentity::validate_base_client_config(&self.inner, components, config)
    }

    fn validate_final_config(&self, components: &RuntimeComponents, config: &ConfigBag) -> Result<(), BoxError> {
        ResolveCachedIdentity::validate_final_config(&self.inner, components, config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn rate(per_second: u32, burst: u32) -> Rate {
        let operations = vec!["*".to_owned()];
        Rate { service: "iam".to_owned(), operations, except: Vec::new(), each: false, per_second, burst }
    }

    #[tokio::test]
    async fn calls_beyond_half_the_burst_go_out_at_the_rate_and_none_is_lost() {
        let pacer = Pacer::with(vec![rate(100, 10)]);
        let began = Instant::now();
        futures::future::join_all((0..15).map(|_| pacer.wait("iam", "GetRole"))).await;
        // Five at once, ten more at a hundred a second.
        assert!(began.elapsed() >= Duration::from_millis(100), "{:?}", began.elapsed());
        pacer.wait("s3", "GetObject").await;
        let slow = Pacer::with(vec![rate(1, 1)]);
        slow.wait("iam", "GetRole").await;
        let second = tokio::time::timeout(Duration::from_millis(50), slow.wait("iam", "GetRole")).await;
        assert!(second.is_err(), "it waits for its second");
        Pacer(None).wait("iam", "GetRole").await;
    }
}
