//! Addresses of e-mails and topics.

use super::values::email;
use super::{Checker, steps};

pub(super) fn check(checker: &mut Checker<'_>) {
    let Some(notifications) = &checker.manifest.notifications else { return };
    if let Some(from) = &notifications.from {
        email(checker, &steps!["notifications", "from"], from, "billing@example.com");
    }
    for (i, address) in notifications.emails.iter().enumerate() {
        email(checker, &steps!["notifications", "emails", i], address, "billing@example.com");
    }
}
