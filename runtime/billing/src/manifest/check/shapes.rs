//! What well-formed ids, addresses, accounts and the like look like.

pub(super) use crate::names::is_id;

/// AWS account numbers.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Where in its area a region lies, the last word of its code.
pub(super) const DIRECTIONS: [&str; 9] =
    ["central", "east", "north", "northeast", "northwest", "south", "southeast", "southwest", "west"];

/// AWS regions: `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`. New ones are made all the time, after this pattern.
pub(super) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let [area, names @ .., direction, number] = &parts[..] else { return false };
    let number = number.len() == 1 && number.bytes().all(|b| b.is_ascii_digit());
    (2..=4).contains(&area.len())
        && letters(area)
        && names.iter().all(letters)
        && DIRECTIONS.contains(direction)
        && number
}

/// E-mail addresses, as far as AWS and Stripe both take them.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    let dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    !local.is_empty() && local.len() <= 64 && local.chars().all(plain) && dots && is_domain(domain)
}

/// Domain names with at least two labels; `*.` may lead.
pub(super) fn is_domain(text: &str) -> bool {
    let text = text.strip_prefix("*.").unwrap_or(text);
    let label = |label: &str| {
        let plain = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (1..=63).contains(&label.len()) && plain && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').count() >= 2 && text.split('.').all(label)
}

/// Origins as browsers send them: scheme and host, a port perhaps, no path.
pub(super) fn is_origin(text: &str) -> bool {
    let (https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return text == "*",
    };
    let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
    let port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let local = host == "localhost" || host == "127.0.0.1";
    port && (local || (https && is_domain(host)))
}

/// BCP 47 language tags of the simple kind: `de`, `en-US`, `zh-Hant-TW`.
pub fn is_locale(text: &str) -> bool {
    let mut parts = text.split('-');
    let language =
        parts.next().is_some_and(|part| (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase()));
    language && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Addresses of resources: `budget.acme`, `stripe_price.portal.monthly`.
pub(super) fn is_address(text: &str) -> bool {
    let parts = text.split_once('.');
    parts.is_some_and(|(kind, name)| !kind.is_empty() && !name.is_empty()) && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_take_what_is_well_formed_and_nothing_else() {
        type Case<'a> = (fn(&str) -> bool, &'a [&'a str], &'a [&'a str]);
        let cases: &[Case<'_>] = &[
            (is_id, &["acme", "a-1"], &["", "Acme", "a_b", &"a".repeat(41)]),
            (is_account, &["012345678901"], &["12345678901", "1234567890123", "12345678901a"]),
            (
                is_region,
                &["us-east-1", "us-gov-west-1", "eusc-de-east-1", "ap-southeast-5"],
                &["us-east", "us-east-1a", "useast1", "US-east-1", "us-esat-1", "east-1"],
            ),
            (is_email, &["a.b+c@example.com"], &["a", "a@b", "@b.de", "a b@c.de", ".a@b.de", "a@b..de"]),
            (is_domain, &["a.example.com", "*.example.com"], &["com", "a_b.de", "-a.de", "https://a.de"]),
            (is_origin, &["https://a.de", "http://localhost:3000", "*"], &["a.de", "https://a.de/", "http://a.de"]),
            (is_address, &["budget.acme", "a.b.c"], &["budget", "budget.", ".acme", "budget.a b"]),
            (is_locale, &["de", "en-US"], &["", "EN", "english", "de_DE"]),
        ];
        for (shape, good, bad) in cases {
            good.iter().for_each(|text| assert!(shape(text), "{text}"));
            bad.iter().for_each(|text| assert!(!shape(text), "{text}"));
        }
    }
}
