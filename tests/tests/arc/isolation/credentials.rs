//! Kinds of credentials, and how each is sent.

/// A kind of credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// Nothing at all.
    None,
    /// Text that was never one.
    Garbage,
    /// One whose time is over.
    Expired,
    /// One with another character in it.
    Tampered,
    /// Signed, for something else than the portal.
    OtherPurpose,
    /// Of a link version before the tenant's present one.
    Revoked,
    /// Signed with a key that is not the stack's.
    OtherKey,
    /// Of a tenant that does not exist.
    Nobodys,
    /// A session sent as a token, a token sent as a session.
    Swapped,
    /// Holds, and may read.
    Viewer,
    /// Holds, and may pay.
    Admin,
    /// Holds, for another tenant.
    OtherTenants,
}

impl Credential {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Credential> {
        use Credential::*;
        [
            None,
            Garbage,
            Expired,
            Tampered,
            OtherPurpose,
            Revoked,
            OtherKey,
            Nobodys,
            Swapped,
            Viewer,
            Admin,
            OtherTenants,
        ]
        .into_iter()
    }

    /// Whether it proves a tenant.
    pub fn holds(self) -> bool {
        matches!(self, Credential::Viewer | Credential::Admin | Credential::OtherTenants)
    }
}

/// A credential on its way.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// As `Authorization: Bearer …`.
    pub bearer: Option<String>,
    /// As the session's cookie, `name=value`.
    pub cookie: Option<String>,
    /// The page that sends it.
    pub origin: Option<String>,
}

impl Sent {
    /// How it is sent, for people.
    pub fn way(&self) -> &'static str {
        match (&self.bearer, &self.cookie) {
            (Some(_), _) => "bearer",
            (None, Some(_)) => "cookie",
            (None, None) => "nothing",
        }
    }

    /// The token or the cookie's value.
    pub fn value(&self) -> String {
        let cookie = self.cookie.as_ref().and_then(|pair| pair.split_once('=')).map(|(_, value)| value.to_owned());
        self.bearer.clone().or(cookie).unwrap_or_default()
    }
}
