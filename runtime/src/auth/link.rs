//! Signed links: the token's claims against the link key, the clock and the tenant's record.

use std::sync::Arc;

use billing::function::Purpose;
use billing::ledger::tenants;
use billing::link::{self, LinkClaims, LinkError, LinkKey};
use billing::names::TOKEN_HEADER;
use billing::tenant::TenantRecord;

use crate::environment::{Environment, NamedSecret};
use crate::error::StartError;
use crate::http::{Refusal, Request};
use crate::ports::{Clock, Ledger, PortError};
use crate::secret::Secret;

/// Verifies links of one purpose.
pub struct LinkVerifier {
    purpose: Purpose,
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    /// The key that signs links.
    key: NamedSecret,
}

impl LinkVerifier {
    pub(super) fn start(purpose: Purpose, env: &Environment) -> Result<LinkVerifier, StartError> {
        Ok(LinkVerifier { purpose, ledger: env.ledger()?, clock: env.clock(), key: env.link_secret()? })
    }

    /// The tenant comes from the token alone.
    pub(super) async fn tenant(&self, request: &Request) -> Result<TenantRecord, Refusal> {
        let claims = self.claims(request).await?;
        let tenant = tenants::one(&*self.ledger, &claims.tenant).await?;
        let tenant =
            tenant.ok_or_else(|| Refusal::new(404, "unknown_tenant", "the link's tenant does not exist any more"))?;
        link::check_version(&claims, &tenant).map_err(refused)?;
        Ok(tenant)
    }

    async fn claims(&self, request: &Request) -> Result<LinkClaims, Refusal> {
        let token = token(request).ok_or_else(|| {
            let message = "a link token is missing; send it as `Authorization: Bearer <token>`";
            Refusal::new(401, "unauthorized", message)
        })?;
        let read = self.key.read().await?;
        let held = match self.verified(token, &read)? {
            // The key is remembered for minutes: it may have been rotated since.
            Err(LinkError::WrongSignature) => {
                let again = self.key.read_again().await?;
                if again == read { Err(LinkError::WrongSignature) } else { self.verified(token, &again)? }
            }
            held => held,
        };
        held.map_err(refused)
    }

    fn verified(&self, token: &str, secret: &Secret) -> Result<Result<LinkClaims, LinkError>, PortError> {
        let key = LinkKey::from_secret(secret.expose()).map_err(|cause| PortError::new("use the link key", cause))?;
        Ok(link::verify(token, &key, self.purpose.as_str(), self.clock.now().as_second()))
    }
}

/// The token of `Authorization: Bearer …`, or of a header of its own where that one is taken.
fn token(request: &Request) -> Option<&str> {
    let own = || request.header(TOKEN_HEADER).map(str::trim).filter(|token| !token.is_empty());
    request.bearer().or_else(own)
}

fn refused(error: LinkError) -> Refusal {
    let code = match error {
        LinkError::Expired => "link_expired",
        LinkError::Revoked => "link_revoked",
        LinkError::Malformed | LinkError::WrongSignature | LinkError::WrongPurpose => "unauthorized",
    };
    Refusal::new(401, code, error.to_string())
}
