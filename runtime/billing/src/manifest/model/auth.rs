//! Who may see a tenant's data: signed links, a Cognito user pool, or another OpenID Connect issuer.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::manifest::text::{Days, Seconds};

/// Who may see a tenant's data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Signed links; on whenever a surface is deployed.
    #[serde(default)]
    pub links: Option<Links>,
    /// A Cognito user pool.
    #[serde(default)]
    #[schemars(extend("x-billform-later" = true))]
    pub cognito: Option<Cognito>,
    /// Another OpenID Connect issuer.
    #[serde(default)]
    #[schemars(extend("x-billform-later" = true))]
    pub oidc: Option<Oidc>,
}

/// Signed links: whoever has one sees one tenant until it expires.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// Which entry of `secrets` holds the key that signs them.
    #[serde(default = "link")]
    pub secret: String,
    /// How long a link holds.
    #[serde(default = "thirty_days")]
    pub valid_for: Days,
}

impl Default for Links {
    fn default() -> Self {
        Links { secret: link(), valid_for: thirty_days() }
    }
}

fn link() -> String {
    "link".to_owned()
}

fn thirty_days() -> Days {
    Days::new(30)
}

/// A Cognito user pool and its client.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cognito {
    /// The pool's name; `<prefix>-users` when left out.
    #[serde(default)]
    pub user_pool: String,
    /// The client's name; `<prefix>-portal` when left out.
    #[serde(default)]
    pub client: String,
    /// Prefix of the hosted sign-in page's domain.
    #[serde(default)]
    pub domain_prefix: Option<String>,
    /// Whether people may sign up by themselves.
    #[serde(default)]
    pub self_sign_up: bool,
    /// Where the sign-in page returns to.
    #[serde(default)]
    pub callback_urls: Vec<String>,
    /// How long an access token holds.
    #[serde(default = "one_hour")]
    pub token_valid_for: Seconds,
}

fn one_hour() -> Seconds {
    Seconds::new(3600)
}

/// Another OpenID Connect issuer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// The issuer's address: `https://login.example.com/`.
    pub issuer: String,
    /// The audiences a token may be for.
    pub audiences: Vec<String>,
    /// The claim that names the tenant.
    #[serde(default = "tenant_claim")]
    pub tenant_claim: String,
}

fn tenant_claim() -> String {
    "tenant".to_owned()
}
