//! Where a request that changes something was sent from: only our own pages may.
//!
//! SameSite=Lax keeps a session out of other sites' POSTs; the check of `Origin` also keeps out other hosts of our own
//! site, and browsers without SameSite.

use billing::function::Setting;

use crate::environment::Environment;
use crate::error::StartError;
use crate::http::{Refusal, Request};

/// The origins of the stack's own pages.
#[derive(Debug, Clone)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Those of the manifest.
    ///
    /// # Errors
    /// Without [`Setting::AllowedOrigins`] in the handler's spec.
    pub fn start(env: &Environment) -> Result<Origins, StartError> {
        Ok(Origins(env.list(Setting::AllowedOrigins)?))
    }

    /// Refuses a request that no page of ours sent. Browsers name the origin of every POST.
    ///
    /// # Errors
    /// 403 without an origin, or with another one.
    pub fn check(&self, request: &Request) -> Result<(), Refusal> {
        match request.header("origin") {
            Some(origin) if self.is_own(origin, request) => Ok(()),
            _ => Err(Refusal::new(403, "foreign_origin", "this can only be sent from the portal's own pages")),
        }
    }

    /// Whether an origin is the stack's own: the manifest names it, or the request itself arrived there.
    pub fn is_own(&self, origin: &str, request: &Request) -> bool {
        let named = self.0.iter().any(|own| own == origin);
        named || own_origin(request).is_some_and(|own| own == origin)
    }

    /// A page of the stack's own that a URL names, without its query; none of another site's.
    pub fn own_page(&self, url: &str, request: &Request) -> Option<String> {
        let (origin, path) = origin_and_path(url)?;
        self.is_own(&origin, request).then(|| format!("{origin}{path}"))
    }

    /// The origin that pages of the stack are sent back to: the one that the request came from, else the manifest's
    /// first, else the one where it arrived.
    pub fn home(&self, request: &Request) -> Option<String> {
        let sender = request.header("origin").filter(|origin| self.is_own(origin, request));
        sender.map(str::to_owned).or_else(|| self.0.first().cloned()).or_else(|| own_origin(request))
    }
}

/// The origin and the path of a URL without user, query or fragment; none of what could be read in two ways.
fn origin_and_path(url: &str) -> Option<(String, &str)> {
    // Browsers read a backslash as a slash and leave control characters out.
    if url.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    let url = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = url.find('/').map_or((url, "/"), |at| url.split_at(at));
    Some((format!("{scheme}://{host}"), path))
}

/// The origin of the address that a request arrived at. No page can choose it for its visitors.
fn own_origin(request: &Request) -> Option<String> {
    let host = request.header("host").filter(|host| !host.is_empty())?;
    let scheme = if is_loopback(host) { "http" } else { "https" };
    Some(format!("{scheme}://{host}"))
}

/// The local cloud speaks plain HTTP; nothing else does.
fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "127.0.0.1" || name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(origin: Option<&str>, host: &str) -> Request {
        let headers = [("host", Some(host)), ("origin", origin)];
        let given = headers.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        Request { headers: given.collect(), ..Request::default() }
    }

    #[test]
    fn only_our_own_pages_are_an_origin() {
        let origins = Origins(vec!["https://billing.example.com".to_owned()]);
        for (origin, host, is_own) in [
            (Some("https://billing.example.com"), "abc.execute-api.us-east-1.amazonaws.com", true),
            (Some("https://api.example.com"), "api.example.com", true),
            (Some("http://127.0.0.1:4600"), "127.0.0.1:4600", true),
            (Some("http://billing.example.com"), "billing.example.com", false),
            (Some("http://api.example.com"), "api.example.com", false),
            (Some("http://127.0.0.1:4601"), "127.0.0.1:4600", false),
            (Some("http://localhost:4600"), "127.0.0.1:4600", false),
            (Some("https://billing.example.com.evil.example"), "api.example.com", false),
            (Some("https://billing.example.com:8443"), "api.example.com", false),
            (Some("https://evil.example"), "api.example.com", false),
            (Some("null"), "api.example.com", false),
            (Some(""), "", false),
            (None, "api.example.com", false),
        ] {
            assert_eq!(origins.check(&from(origin, host)).is_ok(), is_own, "{origin:?} at {host}");
        }
    }

    #[test]
    fn nobody_is_sent_to_another_site() {
        let origins = Origins(vec!["https://a.example.com".to_owned()]);
        let at = from(None, "api.example.com");
        let own = |url: &str| origins.own_page(url, &at);
        assert_eq!(own("https://a.example.com").as_deref(), Some("https://a.example.com/"));
        assert_eq!(own("https://a.example.com/x?y=1#z").as_deref(), Some("https://a.example.com/x"));
        assert_eq!(own("https://api.example.com/prod/").as_deref(), Some("https://api.example.com/prod/"));
        for foreign in [
            "https://evil.example/",
            "http://a.example.com/",
            "https://a.example.com@evil.example/",
            "https://a.example.com.evil.example/",
            "https://a.example.com:8443/",
            "https://a.example.com\\@evil.example/",
            "https://evil.example\\https://a.example.com/",
            "//evil.example/",
            "/x",
            "javascript:alert(1)",
            "https://a.example.com\t.evil.example/",
            "",
        ] {
            assert_eq!(own(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn pages_are_sent_back_to_where_they_came_from_or_to_the_manifests_first() {
        let named = Origins(vec!["https://a.example.com".to_owned(), "https://b.example.com".to_owned()]);
        let home = |origins: &Origins, origin| origins.home(&from(origin, "api.example.com"));
        assert_eq!(home(&named, Some("https://b.example.com")).as_deref(), Some("https://b.example.com"));
        assert_eq!(home(&named, Some("https://evil.example")).as_deref(), Some("https://a.example.com"));
        assert_eq!(home(&Origins(Vec::new()), None).as_deref(), Some("https://api.example.com"));
    }
}
