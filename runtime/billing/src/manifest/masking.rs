//! Keys and secrets that someone wrote where they do not belong: recognised, masked, never shown.

/// What the values of known kinds of secrets start with; what follows is the secret.
const PREFIXES: &[&str] = &[
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "rk_test_",
    "whsec_",
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
];

/// Shorter runs of characters are taken for names.
const SHORTEST: usize = 32;

/// The text with everything that looks like a key or secret replaced by as many asterisks, so that columns stay.
pub fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let run = rest.find(|c| !is_token(c)).unwrap_or(rest.len());
        let (token, after) = rest.split_at(run);
        mask_token(token, &mut out);
        let gap = after.find(is_token).unwrap_or(after.len());
        out.push_str(&after[..gap]);
        rest = &after[gap..];
    }
    out
}

/// Whether the text holds the value of a known kind of secret: a Stripe key, a webhook secret, an AWS access key, a
/// private key.
pub fn holds_secret(text: &str) -> bool {
    let tokens = text.split(|c| !is_token(c));
    text.contains("-----BEGIN ") || tokens.into_iter().any(|token| secret_start(token).is_some())
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '/' | '=')
}

fn mask_token(token: &str, out: &mut String) {
    let keep = match secret_start(token) {
        Some(start) => start,
        None if looks_random(token) => 0,
        None => token.len(),
    };
    out.push_str(&token[..keep]);
    out.extend(token[keep..].chars().map(|_| '*'));
}

/// Where the secret part of a token begins, when it is of a known kind.
fn secret_start(token: &str) -> Option<usize> {
    PREFIXES.iter().find_map(|prefix| {
        let (before, _) = token.split_once(prefix)?;
        // `work_test_abc` is a name.
        if before.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        let start = before.len() + prefix.len();
        let value = &token[start..];
        let aws = prefix.ends_with("IA");
        let long_enough = if aws { value.len() >= 16 } else { value.len() >= 3 };
        let upper = value.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        (long_enough && (!aws || upper)).then_some(start)
    })
}

/// A long run that is no name: hexadecimal, or letters of both cases with digits.
fn looks_random(token: &str) -> bool {
    let any = |test: fn(&u8) -> bool| token.as_bytes().iter().any(test);
    let hexadecimal = token.bytes().all(|b| b.is_ascii_hexdigit());
    let mixed = any(u8::is_ascii_uppercase) && any(u8::is_ascii_lowercase) && any(u8::is_ascii_digit);
    token.len() >= SHORTEST && (hexadecimal || mixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_secrets_are_masked_and_columns_stay() {
        for (text, shown) in [
            ("key: sk_live_51Habc # mine", "key: sk_live_****** # mine"),
            ("'whsec_abc123'", "'whsec_******'"),
            ("id AKIAIOSFODNN7EXAMPLE.", "id AKIA****************."),
            ("0123456789abcdef0123456789abcdef", "********************************"),
        ] {
            assert_eq!(masked(text), shown);
            assert_eq!(masked(text).chars().count(), text.chars().count());
        }
    }

    #[test]
    fn names_and_publishable_keys_stay() {
        for text in [
            "client-billing-portal-123456789012",
            "pk_live_51Habc",
            "arn:aws:iam::123456789012:role/billing",
            "/aws/apigateway/client-billing-portal-api",
            "Überweisung für Müller",
            "sk_",
            "work_test_abc",
        ] {
            assert_eq!(masked(text), text);
            assert!(!holds_secret(text), "{text}");
        }
    }

    #[test]
    fn a_secret_inside_other_text_is_found() {
        assert!(holds_secret("{\"apiKey\": \"rk_test_abc\"}"));
        assert!(holds_secret("prefix-sk_live_abcdef"));
        assert!(holds_secret("-----BEGIN RSA PRIVATE KEY-----"));
    }
}
