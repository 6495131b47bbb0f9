//! What unquoted text means: nothing, a truth value, a number, or text.

/// What an unquoted scalar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Nothing,
    Truth(bool),
    /// `yes`, `no`, `on`, `off`: truth to older YAML, text to newer; a manifest takes neither.
    OldTruth,
    Number,
    Text,
}

/// Which of them a text is.
pub(super) fn kind(plain: &str) -> Kind {
    match plain {
        _ if is_null(plain) => Kind::Nothing,
        "true" | "True" | "TRUE" => Kind::Truth(true),
        "false" | "False" | "FALSE" => Kind::Truth(false),
        _ if ["yes", "no", "on", "off", "y", "n"].iter().any(|word| plain.eq_ignore_ascii_case(word)) => Kind::OldTruth,
        _ if is_number(plain) => Kind::Number,
        _ => Kind::Text,
    }
}

/// Whether YAML readers take the unquoted text for a number: decimal, octal, hexadecimal, or with an exponent.
fn is_number(plain: &str) -> bool {
    let body = plain.strip_prefix(['-', '+']).unwrap_or(plain);
    let special = [".inf", ".nan"].iter().any(|word| body.eq_ignore_ascii_case(word));
    let radix = body.strip_prefix("0x").or_else(|| body.strip_prefix("0o"));
    let based = radix.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()));
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (body, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let some = mantissa.bytes().any(|b| b.is_ascii_digit()) && !whole.starts_with('_');
    let decimal = some && digits(whole) && digits(fraction) && exponent.is_none_or(|e| !e.is_empty() && digits(e));
    special || based || decimal
}

/// Whether an unquoted scalar stands for nothing.
pub(super) fn is_null(plain: &str) -> bool {
    matches!(plain, "" | "~" | "null" | "Null" | "NULL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_yaml_readers_take_for_a_number() {
        for number in ["1", "-1", "123456789012", "0123", "1.5", ".5", "5.", "1e3", "0x1F", "1_000", ".inf"] {
            assert!(is_number(number), "{number}");
        }
        for text in ["2026-10", "1.2.3", "10%", "20.00 EUR", "e3", "_", ".", "-", "", "12 days", "0xZZ", "1e"] {
            assert!(!is_number(text), "{text}");
        }
    }

    #[test]
    fn words_that_some_readers_take_for_truth_are_not_text() {
        for word in ["yes", "No", "ON", "off", "y"] {
            assert_eq!(kind(word), Kind::OldTruth, "{word}");
        }
        assert_eq!(kind("norway"), Kind::Text);
    }
}
