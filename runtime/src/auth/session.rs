//! Signing in: a link's token is exchanged for a session, which the browser keeps in one cookie.

use std::sync::Arc;

use billing::function::Role;
use billing::ledger::tenants;
use billing::link::{self, LinkClaims, LinkError};
use billing::session::{self, SessionClaims, SessionError};
use billing::tenant::TenantRecord;

use super::signed_in::SignedIn;
use super::stack_key::StackKey;
use crate::environment::Environment;
use crate::error::StartError;
use crate::http::{Cookie, Refusal};
use crate::ports::{Clock, Ledger};

/// The cookie's name behind `__Host-`.
pub const COOKIE: &str = "billform";

/// Proves links and sessions, and opens sessions.
pub struct Sessions {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    key: StackKey,
}

/// A session that was opened, with the cookie that carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What it says.
    pub claims: SessionClaims,
    /// Whose it is, and what they may do.
    pub signed_in: SignedIn,
    /// What the browser keeps.
    pub cookie: Cookie,
}

impl Sessions {
    /// With the ports that they need.
    ///
    /// # Errors
    /// When the handler's spec does not declare the ledger or the link key.
    pub fn start(env: &Environment) -> Result<Sessions, StartError> {
        Ok(Sessions { ledger: env.ledger()?, clock: env.clock(), key: StackKey::start(env)? })
    }

    /// The session that a link's token opens.
    ///
    /// # Errors
    /// 401 when the token does not hold, 404 when its tenant is gone.
    pub async fn open(&self, token: &str) -> Result<Opened, Refusal> {
        let (link, signed_in) = self.of_link(token).await?;
        let now_s = self.clock.now().as_second();
        let claims = SessionClaims::of_link(&link, now_s);
        let value = session::sign(&claims, &self.key.current().await?).map_err(session_refused)?;
        let lasts_s = u32::try_from(claims.expires_at_s - now_s).unwrap_or_default();
        Ok(Opened { claims, signed_in, cookie: Cookie::session(COOKIE, &value, lasts_s) })
    }

    /// What a link's token proves.
    ///
    /// # Errors
    /// 401 when it does not hold, 404 when its tenant is gone.
    pub(super) async fn of_link(&self, token: &str) -> Result<(LinkClaims, SignedIn), Refusal> {
        let now_s = self.clock.now().as_second();
        let read = self.key.opened(&LinkError::WrongSignature, |key| link::read(token, key, now_s));
        let claims = read.await?.map_err(link_refused)?;
        let tenant = self.tenant(&claims.tenant).await?;
        link::check_version(&claims, &tenant).map_err(link_refused)?;
        let role = role(&claims.purpose)?;
        Ok((claims, SignedIn { tenant, role }))
    }

    /// What a session's cookie proves.
    ///
    /// # Errors
    /// 401 when it does not hold, 404 when its tenant is gone.
    pub(super) async fn of_cookie(&self, value: &str) -> Result<SignedIn, Refusal> {
        let now_s = self.clock.now().as_second();
        let read = self.key.opened(&SessionError::WrongSignature, |key| session::verify(value, key, now_s));
        let claims = read.await?.map_err(session_refused)?;
        let tenant = self.tenant(&claims.tenant).await?;
        claims.check_version(&tenant).map_err(session_refused)?;
        Ok(SignedIn { tenant, role: role(&claims.purpose)? })
    }

    async fn tenant(&self, id: &str) -> Result<TenantRecord, Refusal> {
        let tenant = tenants::one(&*self.ledger, id).await?;
        tenant.ok_or_else(|| Refusal::new(404, "unknown_tenant", "the link's tenant does not exist any more"))
    }
}

/// What a link or session is for: one of a purpose that is not known proves nothing.
fn role(purpose: &str) -> Result<Role, Refusal> {
    Role::of_purpose(purpose).ok_or_else(|| link_refused(LinkError::WrongPurpose))
}

fn link_refused(error: LinkError) -> Refusal {
    let code = match error {
        LinkError::Expired => "link_expired",
        LinkError::Revoked => "link_revoked",
        LinkError::Malformed | LinkError::WrongSignature | LinkError::WrongPurpose => "unauthorized",
    };
    Refusal::new(401, code, error.to_string())
}

fn session_refused(error: SessionError) -> Refusal {
    let code = match error {
        SessionError::Expired => "session_expired",
        SessionError::Revoked => "link_revoked",
        SessionError::Malformed | SessionError::WrongSignature => "unauthorized",
    };
    Refusal::new(401, code, error.to_string())
}
