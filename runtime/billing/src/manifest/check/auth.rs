//! Who may see a tenant's data.

use super::references::refer;
use super::{Checker, steps};

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    if manifest.auth.cognito.is_some() && manifest.auth.oidc.is_some() {
        let hint = "keep one of `cognito` and `oidc`".to_owned();
        checker.at(&steps!["auth", "oidc"], "the API takes tokens of one issuer", hint);
    }
    if manifest.auth.links.as_ref().is_some_and(|links| !(1..=366).contains(&links.valid_for.count())) {
        let hint = "write 1 day to 366 days".to_owned();
        checker.at(&steps!["auth", "links", "valid_for"], "links cannot hold for so long", hint);
    }
    if let Some(links) = manifest.auth.links.as_ref().filter(|links| !manifest.secrets.contains_key(&links.secret)) {
        refer(checker, &steps!["auth", "links", "secret"], &links.secret, "secrets");
    }
}
