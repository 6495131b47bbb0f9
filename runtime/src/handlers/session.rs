//! `POST /session` exchanges a signed link's token for the session's cookie; `POST /signout` makes the browser forget it.
//!
//! The token comes in the body: it stands in the fragment of the link, so that no address, referrer or log has it.

use billing::function::{Auth, Grant, Setting};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::api::{Api, Call, Route};
use crate::auth::SignedIn;
use crate::auth::session::{COOKIE, Sessions};
use crate::environment::Environment;
use crate::error::StartError;
use crate::http::{Cookie, Refusal, Request, Response};
use crate::spec::Spec;

/// The handler and what it works with.
pub struct Session {
    sessions: Sessions,
}

impl Api for Session {
    const SPEC: Spec = Spec {
        name: "session",
        description: "POST /session, POST /signout: from a signed link to the portal's session, and its end",
        grants: &[Grant::LedgerRead, Grant::LinkSecretRead],
        settings: &[Setting::LedgerTable, Setting::LinkSecret, Setting::AllowedOrigins],
        surfaces: &["portal"],
        ..Spec::EMPTY
    };
    const ROUTES: &'static [Route<Session>] = &[
        Route { key: "POST /session", auth: Auth::Public, serve: |api, call| Box::pin(api.open(call)) },
        Route {
            key: "POST /signout",
            auth: Auth::Public,
            serve: |_, call| Box::pin(async move { Ok(signed_out(call.request)) }),
        },
    ];

    fn start(env: &Environment) -> Result<Session, StartError> {
        Ok(Session { sessions: Sessions::start(env)? })
    }
}

/// The body of `POST /session`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    token: String,
}

impl Session {
    /// `{"tenant","role","expires"}` and the cookie.
    async fn open(&self, call: Call<'_>) -> Result<Response, Refusal> {
        let Exchange { token } = call.request.json()?;
        let opened = self.sessions.open(&token).await?;
        let expires = Timestamp::from_second(opened.claims.expires_at_s).unwrap_or_default();
        let SignedIn { tenant, role } = &opened.signed_in;
        let body = json!({"tenant": tenant.id, "role": role.as_str(), "expires": expires.to_string()});
        Ok(Response::json(200, body.to_string()).with_cookie(&opened.cookie))
    }
}

/// The cookie goes, and what the browser kept of the pages. A form of a page is sent on to a page.
fn signed_out(request: &Request) -> Response {
    let is_form =
        request.header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let answer = match is_form {
        true => Response::redirect("/signin?signed-out=yes"),
        false => Response::json(200, json!({"signedOut": true}).to_string()),
    };
    answer.with_cookie(&Cookie::expired(COOKIE)).with_header("clear-site-data", "\"cache\"")
}

#[cfg(test)]
mod tests;
