//! Credentials: what a route demands, how it is verified, and the caller that it proves.

pub mod jwt;
pub mod origin;
pub mod session;
mod signed_in;
mod stack_key;
pub mod stripe_signature;
mod tenant;
mod throttle;

use billing::function::{Auth, Role};
use billing::tenant::TenantRecord;

use crate::environment::Environment;
use crate::error::StartError;
use crate::http::{Refusal, Request};
use origin::Origins;
pub use signed_in::SignedIn;
use stripe_signature::SignatureVerifier;
use tenant::TenantVerifier;
use throttle::Throttled;

/// The longest body whose signature is computed: many times an event's size. Of a longer one the sweep takes the event
/// from Stripe's list, where it is as undelivered.
const EVENT_BYTES: usize = 1 << 20;
/// The longest body of any other request: what a person types.
const BODY_BYTES: usize = 16 << 10;

/// What a read counts for.
const READ_UNITS: u32 = 1;
/// What counts that changes something: each asks Stripe.
const WRITE_UNITS: u32 = 5;

/// The caller of a request, as its credential proves it.
#[derive(Debug, Clone, PartialEq)]
pub enum Caller {
    /// Not known: the route is public.
    Anyone,
    /// Somebody who acts for a tenant.
    Tenant(Box<SignedIn>),
    /// Stripe itself, which signed the body.
    Stripe,
}

impl Caller {
    /// Who acts for which tenant.
    ///
    /// # Errors
    /// 403 when the route's credential proves no tenant.
    pub fn signed_in(&self) -> Result<&SignedIn, Refusal> {
        match self {
            Caller::Tenant(signed_in) => Ok(signed_in),
            Caller::Anyone | Caller::Stripe => Err(Refusal::new(403, "forbidden", "this needs a tenant's own link")),
        }
    }

    /// The tenant that the caller may act for.
    ///
    /// # Errors
    /// 403 when the route's credential proves no tenant.
    pub fn tenant(&self) -> Result<&TenantRecord, Refusal> {
        self.signed_in().map(|signed_in| &signed_in.tenant)
    }

    /// What the caller may do with what is the tenant's; none where no tenant is proven.
    pub fn role(&self) -> Option<Role> {
        self.signed_in().ok().map(|signed_in| signed_in.role)
    }
}

/// What a request must pass before a route answers it.
pub struct Guard {
    verifier: Verifier,
    /// Of routes that change something for a browser.
    origins: Option<Origins>,
}

/// Verifies the credential that one route demands.
enum Verifier {
    /// Lets everybody pass.
    Public,
    /// Sessions and signed links, as often as a tenant may ask.
    Tenant(TenantVerifier, Throttled),
    /// Stripe's signatures.
    StripeSignature(SignatureVerifier),
}

impl Guard {
    /// The guard of a route, with the ports and settings that it needs.
    ///
    /// # Errors
    /// When the handler's spec does not declare them, or one is not set.
    pub fn start(key: &str, auth: Auth, env: &Environment) -> Result<Guard, StartError> {
        let verifier = match auth {
            Auth::Public => Verifier::Public,
            Auth::Tenant(role) => {
                let units = if key.starts_with("GET ") { READ_UNITS } else { WRITE_UNITS };
                Verifier::Tenant(TenantVerifier::start(role, env)?, Throttled::start(units, env)?)
            }
            Auth::StripeSignature => Verifier::StripeSignature(SignatureVerifier::start(env)?),
        };
        // A GET changes nothing.
        let is_sent_by_browsers = auth != Auth::StripeSignature && !key.starts_with("GET ");
        let origins = is_sent_by_browsers.then(|| Origins::start(env)).transpose()?;
        Ok(Guard { verifier, origins })
    }

    /// The caller of a request.
    ///
    /// # Errors
    /// 401 when the credential is missing or does not hold, 403 when it does not reach or another site sent it, 413 when
    /// the body is too long, 429 when the tenant asks too much, 500 when it cannot be checked.
    pub async fn caller(&self, request: &Request) -> Result<Caller, Refusal> {
        let most = if matches!(self.verifier, Verifier::StripeSignature(_)) { EVENT_BYTES } else { BODY_BYTES };
        if request.body.len() > most {
            return Err(Refusal::new(413, "too_large", format!("a body has at most {most} bytes here")));
        }
        let is_public = matches!(self.verifier, Verifier::Public);
        if let Some(origins) = self.origins.as_ref().filter(|_| is_public || tenant::is_by_cookie(request)) {
            origins.check(request)?;
        }
        match &self.verifier {
            Verifier::Public => Ok(Caller::Anyone),
            Verifier::Tenant(tenant, throttled) => {
                let signed_in = tenant.signed_in(request).await?;
                throttled.take(&signed_in.tenant.id).await?;
                Ok(Caller::Tenant(Box::new(signed_in)))
            }
            Verifier::StripeSignature(signature) => signature.check(request).await.map(|()| Caller::Stripe),
        }
    }
}

#[cfg(test)]
mod tests;
