//! Routes of a tenant: the session's cookie, or a signed link's token as a bearer, proves who is asking and what they
//! may do. The gateway has no authorizer for them: it could read neither.

use billing::function::Role;
use billing::names::TOKEN_HEADER;

use super::session::{COOKIE, Sessions};
use super::signed_in::SignedIn;
use crate::environment::Environment;
use crate::error::StartError;
use crate::http::{Cookie, Refusal, Request};

/// What a request carries. An explicit token counts before the cookie, which the browser sends by itself, and one that
/// does not hold is refused whatever the cookie is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Credential<'a> {
    /// A signed link's token. A user pool's JWT will come the same way; its first part is base64url JSON, a link's is
    /// the id of a key.
    Link(&'a str),
    /// A session's cookie.
    Session(&'a str),
}

/// Verifies who is asking, and that they have at least this role.
pub struct TenantVerifier {
    needs: Role,
    sessions: Sessions,
}

impl TenantVerifier {
    pub(super) fn start(needs: Role, env: &Environment) -> Result<TenantVerifier, StartError> {
        Ok(TenantVerifier { needs, sessions: Sessions::start(env)? })
    }

    /// The tenant and the role come from the credential alone.
    ///
    /// # Errors
    /// 401 without a credential that holds, 403 when it does not reach.
    pub(super) async fn signed_in(&self, request: &Request) -> Result<SignedIn, Refusal> {
        let signed_in = match credential(request).ok_or_else(missing)? {
            Credential::Link(token) => self.sessions.of_link(token).await?.1,
            Credential::Session(value) => self.sessions.of_cookie(value).await?,
        };
        if signed_in.role < self.needs {
            return Err(Refusal::new(403, "forbidden", "you may read this, but only an administrator may change it"));
        }
        Ok(signed_in)
    }
}

/// Whether the browser sent the request's credential by itself: then a page of ours must have asked for it.
pub(super) fn is_by_cookie(request: &Request) -> bool {
    matches!(credential(request), Some(Credential::Session(_)))
}

fn credential(request: &Request) -> Option<Credential<'_>> {
    let own = || request.header(TOKEN_HEADER).map(str::trim).filter(|token| !token.is_empty());
    let cookie = || request.cookie(&Cookie::full_name(COOKIE)).filter(|value| !value.is_empty());
    let link = request.bearer().or_else(own).map(Credential::Link);
    link.or_else(|| cookie().map(Credential::Session))
}

fn missing() -> Refusal {
    let message = "sign in, or send a link's token as `Authorization: Bearer <token>`";
    Refusal::new(401, "unauthorized", message)
}
