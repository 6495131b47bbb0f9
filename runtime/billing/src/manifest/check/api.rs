//! The HTTP API.

use super::shapes::is_origin;
use super::values::{domain, retention};
use super::{Checker, steps};

pub(super) fn check(checker: &mut Checker<'_>) {
    let api = &checker.manifest.api;
    retention(checker, &steps!["api", "access_log", "retention"], api.access_log.retention);
    for (i, surface) in api.surfaces.iter().enumerate() {
        if api.surfaces[..i].contains(surface) {
            let message = format!("the surface `{}` is listed twice", surface.as_str());
            checker.at(&steps!["api", "surfaces", i], message, "leave one out".to_owned());
        }
    }
    for (i, origin) in api.cors.origins.iter().enumerate().filter(|(_, origin)| !is_origin(origin)) {
        let hint = "write scheme and host without a path, such as https://billing.example.com".to_owned();
        checker.at(&steps!["api", "cors", "origins", i], format!("`{origin}` is no origin"), hint);
    }
    let throttle = [("rate", api.throttle.rate, 10_000), ("burst", api.throttle.burst, 5_000)];
    for (key, value, most) in throttle {
        if value == 0 || value > most {
            let hint = format!("write 1 to {most}");
            checker.at(&steps!["api", "throttle", key], format!("`{key}` cannot be {value}"), hint);
        }
    }
    let Some(domain) = &api.domain else { return };
    let domains =
        [("name", Some(&domain.name)), ("certificate", domain.certificate.as_ref()), ("zone", domain.zone.as_ref())];
    for (key, domain) in domains.into_iter().filter_map(|(key, domain)| Some((key, domain?))) {
        self::domain(checker, &steps!["api", "domain", key], domain, "billing.example.com");
    }
}
