//! Characters that people do not see and terminals, mail and Stripe obey: escapes, line ends, a turned direction of
//! writing. What a manifest says must read as it is.

/// Whether a character steers what shows it instead of being shown: control characters (C0, DEL and C1, line ends
/// and tabs among them), the separators of lines and paragraphs, and overrides and isolates of the direction of
/// writing (Unicode TR 36). Marks that right-to-left names need (U+200E, U+200F) are none.
pub fn is_steering(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What a person is shown in a steering character's place: its picture where Unicode has one, else a replacement
/// character. Any other character is itself.
pub fn picture(c: char) -> char {
    match c {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{7f}' => '\u{2421}',
        c if is_steering(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

/// A text in which every steering character is shown as its picture, one for one, so that columns still count.
pub(super) fn shown(text: &str) -> String {
    text.chars().map(picture).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_shown_and_all_else_is_itself() {
        assert_eq!(shown("a\u{1b}[31mb\nc\0d\u{7f}"), "a␛[31mb␊c␀d␡");
        assert_eq!(shown("\u{9b}31m \u{202e}gpj.exe\u{2069}"), "\u{fffd}31m \u{fffd}gpj.exe\u{fffd}");
        let plain = "Müller & Söhne, 株式会社, שלום\u{200f}, 🧾";
        assert_eq!(shown(plain), plain);
    }
}
