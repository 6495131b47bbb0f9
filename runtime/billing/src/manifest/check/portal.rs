//! The pages that tenants see.

use super::values::{domain, email};
use super::{Checker, steps};
use crate::brand::Colour;
use crate::manifest::suggest::among;

/// A function's settings together have 4 KB.
const MOST_LOGO: usize = 2_000;
/// A longer name breaks the head of every page.
const MOST_NAME: usize = 60;

pub(super) fn check(checker: &mut Checker<'_>) {
    let Some(portal) = &checker.manifest.portal else { return };
    if let Some(support) = &portal.support_email {
        email(checker, &steps!["portal", "support_email"], support, "billing@example.com");
    }
    let domains = [("domain", &portal.domain), ("certificate", &portal.certificate), ("zone", &portal.zone)];
    for (key, domain) in domains.into_iter().filter_map(|(key, domain)| Some((key, domain.as_ref()?))) {
        self::domain(checker, &steps!["portal", key], domain, "billing.example.com");
    }
    let branding = &portal.branding;
    if let Some(name) = branding.name.as_ref().filter(|name| name.chars().count() > MOST_NAME) {
        let message = format!("a portal's name has at most {MOST_NAME} characters, this one {}", name.chars().count());
        checker.at(&steps!["portal", "branding", "name"], message, "it stands on top of every page".to_owned());
    }
    if let Some(logo) = &branding.logo {
        self::logo(checker, logo);
    }
    for (name, text) in &branding.colours {
        colour(checker, name, text);
    }
}

fn logo(checker: &mut Checker<'_>, logo: &str) {
    let place = steps!["portal", "branding", "logo"];
    let plain = !logo.contains(|c: char| c.is_whitespace() || c.is_control() || "\"'<>;,".contains(c));
    let is_image = logo.strip_prefix("data:image/").is_some_and(|rest| rest.contains("base64,"));
    let is_address = plain && logo.strip_prefix("https://").is_some_and(|rest| !rest.is_empty());
    if !is_address && !is_image {
        let hint = "write an address, such as https://example.com/logo.svg, or a URI, data:image/svg+xml;base64,…";
        checker.at(&place, "the logo is neither an `https:` address nor a base64 `data:image/` URI", hint.to_owned());
    } else if logo.len() > MOST_LOGO {
        let message = format!("the logo has {} characters; a function's settings take {MOST_LOGO}", logo.len());
        checker.at(&place, message, "make it smaller, or give an `https:` address".to_owned());
    }
}

/// A colour that has a use, and can be read where it is used.
fn colour(checker: &mut Checker<'_>, name: &str, text: &str) {
    let place = steps!["portal", "branding", "colours", name];
    let uses = Colour::USES.map(|(name, _)| name);
    let Some((_, least)) = Colour::USES.into_iter().find(|(known, _)| *known == name) else {
        let hint = among(name, uses.into_iter(), "colours");
        checker.at_key(&place, format!("pages have no colour `{name}`"), hint);
        return;
    };
    let colour: Colour = match text.parse() {
        Ok(colour) => colour,
        Err(_) => {
            checker.at(&place, format!("`{text}` is not a colour"), "write it as #rrggbb, such as #1f4e79".to_owned());
            return;
        }
    };
    let found = colour.contrast(Colour::WHITE);
    if found < least {
        let what = if name == "accent" { "bars of charts" } else { "text" };
        let message =
            format!("`{text}` has a contrast of {found} to 1 on white; {what} needs {least} to be seen by all");
        let hint = format!("the nearest shade that has it: \"{}\"", colour.darkened_to(least));
        checker.at(&place, message, hint);
    }
}
