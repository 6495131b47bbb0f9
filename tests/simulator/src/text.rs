//! Exact numbers as the handlers read them.

use oracle::exact::Exact;
use oracle::facts::Money;

/// Decimals that no drawn number exceeds.
const DECIMALS: usize = 12;

/// Writes a number in plain digits: `-12.3456`.
pub fn decimal(number: &Exact) -> String {
    let scaled = (number * &Exact::whole(10_i128.pow(12))).round_to(1);
    let (sign, digits) = (if scaled < 0 { "-" } else { "" }, format!("{:0width$}", scaled.abs(), width = DECIMALS + 1));
    let (whole, decimals) = digits.split_at(digits.len() - DECIMALS);
    match decimals.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        decimals => format!("{sign}{whole}.{decimals}"),
    }
}

/// Writes money: `45.685 EUR`.
pub fn money(money: &Money) -> String {
    format!("{} {}", decimal(&money.amount), money.currency)
}

/// Writes a share: `12.5%`.
pub fn percent(share: &Exact) -> String {
    format!("{}%", decimal(&(share * &Exact::whole(100))))
}

/// Writes a form's text: everything but letters, digits and brackets is escaped.
pub fn form(pairs: &[(String, String)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'[' | b']' | b'_' | b'-' | b'.' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_to_their_last_digit() {
        for text in ["0", "1", "-0.0001", "12.3456", "-3712.55", "0.1234567891"] {
            assert_eq!(Exact::parse(text).map(|number| decimal(&number)).as_deref(), Some(text));
        }
        assert_eq!(Exact::fraction(125, 1000).map(|share| percent(&share)).as_deref(), Some("12.5%"));
    }

    #[test]
    fn a_form_escapes_what_would_end_a_value() {
        let pairs = [("a[b]".to_owned(), "x & y=ü".to_owned())];
        assert_eq!(form(&pairs), "a[b]=x%20%26%20y%3D%C3%BC");
    }
}
