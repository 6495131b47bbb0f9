//! The pages that tenants see.

use super::values::{domain, email};
use super::{Checker, steps};

pub(super) fn check(checker: &mut Checker<'_>) {
    let Some(portal) = &checker.manifest.portal else { return };
    if let Some(support) = &portal.support_email {
        email(checker, &steps!["portal", "support_email"], support, "billing@example.com");
    }
    let domains = [("domain", &portal.domain), ("certificate", &portal.certificate), ("zone", &portal.zone)];
    for (key, domain) in domains.into_iter().filter_map(|(key, domain)| Some((key, domain.as_ref()?))) {
        self::domain(checker, &steps!["portal", key], domain, "billing.example.com");
    }
}
