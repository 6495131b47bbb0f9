//! Credentials: what a route demands, how it is verified, and the caller that it proves.

pub mod jwt;
mod link;
pub mod stripe_signature;

use std::sync::Arc;

use billing::function::Auth;
use billing::tenant::TenantRecord;

use crate::environment::Environment;
use crate::error::StartError;
use crate::http::{Refusal, Request};
use link::LinkVerifier;
use stripe_signature::SignatureVerifier;

/// The longest body whose signature is computed: many times an event's size. Of a longer one the sweep takes the event
/// from Stripe's list, where it is as undelivered.
const EVENT_BYTES: usize = 1 << 20;

/// The caller of a request, as its credential proves it.
#[derive(Debug, Clone, PartialEq)]
pub enum Caller {
    /// Not known: the route is public.
    Anyone,
    /// The holder of a tenant's signed link.
    Link(Arc<TenantRecord>),
    /// Stripe itself, which signed the body.
    Stripe,
}

impl Caller {
    /// The tenant that the caller may act for.
    ///
    /// # Errors
    /// 403 when the route's credential proves no tenant.
    pub fn tenant(&self) -> Result<&TenantRecord, Refusal> {
        match self {
            Caller::Link(tenant) => Ok(tenant),
            Caller::Anyone | Caller::Stripe => Err(Refusal::new(403, "forbidden", "this needs a tenant's own link")),
        }
    }
}

/// Verifies the credential that one route demands.
pub enum Verifier {
    /// Lets everybody pass.
    Public,
    /// Signed links.
    Link(LinkVerifier),
    /// Stripe's signatures.
    StripeSignature(SignatureVerifier),
}

impl Verifier {
    /// The verifier of a route's credential, with the ports and settings that it needs.
    ///
    /// # Errors
    /// When the handler's spec does not declare them, or one is not set.
    pub fn start(auth: Auth, env: &Environment) -> Result<Verifier, StartError> {
        Ok(match auth {
            Auth::Public => Verifier::Public,
            Auth::Link(purpose) => Verifier::Link(LinkVerifier::start(purpose, env)?),
            Auth::StripeSignature => Verifier::StripeSignature(SignatureVerifier::start(env)?),
        })
    }

    /// The caller of a request.
    ///
    /// # Errors
    /// 401 when the credential is missing or does not hold, 500 when it cannot be checked.
    pub async fn caller(&self, request: &Request) -> Result<Caller, Refusal> {
        match self {
            Verifier::Public => Ok(Caller::Anyone),
            Verifier::Link(link) => Ok(Caller::Link(Arc::new(link.tenant(request).await?))),
            Verifier::StripeSignature(_) if request.body.len() > EVENT_BYTES => {
                Err(Refusal::new(413, "too_large", format!("an event has at most {EVENT_BYTES} bytes")))
            }
            Verifier::StripeSignature(signature) => signature.check(request).await.map(|()| Caller::Stripe),
        }
    }
}

#[cfg(test)]
mod tests;
