//! Amounts of cost reports as people read them: two decimal places, digits in threes, shares in percent. Integers only.

use cur::Amount;

/// `-1,234.57`.
pub fn money(amount: Amount) -> String {
    let cents = amount.rounded(2);
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", grouped(cents / 100), cents % 100)
}

/// `12.3 %` of `whole`; nothing where there is no whole.
pub fn share(part: Amount, whole: Amount) -> String {
    let (part, whole) = (part.rounded(6), whole.rounded(6));
    if whole == 0 {
        return String::new();
    }
    // Per mille, halves away from zero.
    let (part, whole) = if whole < 0 { (-part, -whole) } else { (part, whole) };
    let half = if part < 0 { -whole } else { whole };
    let mille = (part * 2000 + half) / (2 * whole);
    let sign = if mille < 0 { "-" } else { "" };
    format!("{sign}{}.{} %", mille.abs() / 10, mille.abs() % 10)
}

/// `1 row`, `1,234 rows`.
pub fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count.into()), if count == 1 { "" } else { "s" })
}

/// Digits in threes.
pub fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        Amount::parse(text.as_bytes()).expect("a decimal")
    }

    #[test]
    fn amounts_are_rounded_and_grouped() {
        let shown = ["0", "-0.004", "1234567.895", "-999.995", "12"].map(|text| money(amount(text)));
        assert_eq!(shown, ["0.00", "0.00", "1,234,567.90", "-1,000.00", "12.00"]);
    }

    #[test]
    fn shares_are_of_the_whole_whatever_its_sign() {
        let of = |part: &str, whole: &str| share(amount(part), amount(whole));
        assert_eq!(
            [of("1", "3"), of("-1", "3"), of("2", "-4"), of("1", "0"), of("0.0005", "1")],
            ["33.3 %", "-33.3 %", "-50.0 %", "", "0.1 %"]
        );
    }
}
