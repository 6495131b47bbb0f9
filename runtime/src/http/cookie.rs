//! Cookies of our own: for one host, over TLS, out of reach of scripts.

use std::fmt;

/// A cookie under the `__Host-` prefix: Secure, HttpOnly, `Path=/`, SameSite=Lax. Lax, because Strict is not sent on
/// the way back from Stripe's Checkout or the hosted sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    name: String,
    value: String,
    max_age_s: u32,
}

impl Cookie {
    /// A cookie that lasts `max_age_s` seconds. `value` is base64url or similar: characters that end a cookie's value
    /// are left out.
    pub fn session(name: &str, value: &str, max_age_s: u32) -> Cookie {
        let safe = |c: &char| c.is_ascii_graphic() && !matches!(c, '"' | ',' | ';' | '\\');
        Cookie { name: Cookie::full_name(name), value: value.chars().filter(safe).collect(), max_age_s }
    }

    /// A cookie that makes the browser forget the one of this name.
    pub fn expired(name: &str) -> Cookie {
        Cookie { name: Cookie::full_name(name), value: String::new(), max_age_s: 0 }
    }

    /// The name under which the browser sends it back.
    pub fn full_name(name: &str) -> String {
        format!("__Host-{name}")
    }
}

impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cookie { name, value, max_age_s } = self;
        write!(f, "{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={max_age_s}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_add_attributes() {
        let cookie = Cookie::session("s", "a; Domain=evil.example\r\nx", 5).to_string();
        assert_eq!(cookie, "__Host-s=aDomain=evil.examplex; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=5");
    }

    #[test]
    fn an_expired_cookie_is_forgotten() {
        assert_eq!(Cookie::expired("s").to_string(), "__Host-s=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    }
}
