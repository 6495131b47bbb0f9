//! How a stack's pages look: name, logo, colours. The provisioner writes it as JSON into a setting, the pages read it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How pages look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brand {
    /// The name on top of every page.
    pub name: String,
    /// The logo beside it: an `https:` address, or a `data:` URI, which costs no request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
    /// Links, buttons and headings.
    #[serde(default = "Colour::primary")]
    pub primary: Colour,
    /// Bars of charts.
    #[serde(default = "Colour::accent")]
    pub accent: Colour,
    /// Whom tenants ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support_email: Option<String>,
}

/// A colour: `#1f4e79`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// The text is not a colour.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a colour; write it as #rrggbb, such as #1f4e79")]
pub struct NotAColour(pub String);

/// A contrast of two colours, in hundredths: 450 is 4.5 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contrast(pub u32);

impl Contrast {
    /// What text needs. <https://www.w3.org/TR/WCAG22/#contrast-minimum>
    pub const TEXT: Contrast = Contrast(450);
    /// What bars of a chart need. <https://www.w3.org/TR/WCAG22/#non-text-contrast>
    pub const GRAPHICS: Contrast = Contrast(300);
}

impl Colour {
    /// The ground of every page's cards.
    pub const WHITE: Colour = Colour { red: 255, green: 255, blue: 255 };
    /// The uses that a manifest may give colours to, with the contrast each needs on white.
    pub const USES: [(&'static str, Contrast); 2] = [("primary", Contrast::TEXT), ("accent", Contrast::GRAPHICS)];

    /// Links and buttons where the manifest names no colour.
    pub fn primary() -> Colour {
        Colour { red: 0x1f, green: 0x4e, blue: 0x79 }
    }

    /// Bars of charts where the manifest names no colour.
    pub fn accent() -> Colour {
        Colour { red: 0x0f, green: 0x76, blue: 0x6e }
    }

    /// The contrast to another colour, rounded down, as WCAG defines it.
    #[allow(clippy::float_arithmetic, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no money")]
    pub fn contrast(self, other: Colour) -> Contrast {
        let (one, two) = (self.luminance(), other.luminance());
        let (light, dark) = if one > two { (one, two) } else { (two, one) };
        Contrast(((light + 0.05) / (dark + 0.05) * 100.0) as u32)
    }

    /// The nearest darker shade of it that has this contrast on white.
    #[must_use]
    pub fn darkened_to(self, least: Contrast) -> Colour {
        let darker = |part: u8, step: u16| u8::try_from(u16::from(part) * (100 - step) / 100).unwrap_or(0);
        let shade = |step| Colour {
            red: darker(self.red, step),
            green: darker(self.green, step),
            blue: darker(self.blue, step),
        };
        (0..=100).map(shade).find(|shade| shade.contrast(Colour::WHITE) >= least).unwrap_or(self)
    }

    /// <https://www.w3.org/TR/WCAG22/#dfn-relative-luminance>
    #[allow(clippy::float_arithmetic, reason = "no money")]
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

impl FromStr for Colour {
    type Err = NotAColour;

    fn from_str(text: &str) -> Result<Colour, NotAColour> {
        let bad = || NotAColour(text.to_owned());
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii()).ok_or_else(bad)?;
        let part = |at: usize| digits.get(at..at + 2).and_then(|part| u8::from_str_radix(part, 16).ok());
        match (part(0), part(2), part(4)) {
            (Some(red), Some(green), Some(blue)) if !digits.contains('+') => Ok(Colour { red, green, blue }),
            _ => Err(bad()),
        }
    }
}

impl TryFrom<String> for Colour {
    type Error = NotAColour;

    fn try_from(text: String) -> Result<Colour, NotAColour> {
        text.parse()
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> String {
        colour.to_string()
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Colour { red, green, blue } = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl fmt::Debug for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Contrast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl FromStr for Brand {
    type Err = serde_json::Error;

    /// Reads the setting.
    fn from_str(text: &str) -> Result<Brand, serde_json::Error> {
        serde_json::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(text: &str) -> Colour {
        text.parse().expect("a colour")
    }

    /// WebAIM's contrast checker says 21:1, 4.54:1 and 8.6:1 of these.
    #[test]
    fn contrast_is_wcags() {
        assert_eq!(colour("#000000").contrast(Colour::WHITE), Contrast(2_100));
        assert_eq!(colour("#767676").contrast(Colour::WHITE), Contrast(454));
        assert_eq!(Colour::WHITE.contrast(colour("#0000ff")), Contrast(859));
    }

    #[test]
    fn what_no_manifest_names_is_readable() {
        assert!(Colour::primary().contrast(Colour::WHITE) >= Contrast::TEXT);
        assert!(Colour::accent().contrast(Colour::WHITE) >= Contrast::GRAPHICS);
    }

    #[test]
    fn a_darker_shade_has_the_contrast() {
        for (text, least) in [("#ffcc00", Contrast::TEXT), ("#e07b00", Contrast::GRAPHICS), ("#ffffff", Contrast::TEXT)]
        {
            let shade = colour(text).darkened_to(least);
            assert!(shade.contrast(Colour::WHITE) >= least, "{text} -> {shade}");
        }
        assert_eq!(Colour::primary().darkened_to(Contrast::TEXT), Colour::primary());
    }

    #[test]
    fn what_is_no_colour_is_refused() {
        for bad in ["", "#fff", "1f4e79", "#1f4e7g", "#+1+2+3", "red", "#1f4e79;", "#éé00"] {
            assert!(bad.parse::<Colour>().is_err(), "{bad}");
        }
        assert_eq!(colour("#1F4E79").to_string(), "#1f4e79");
    }

    #[test]
    fn a_brand_survives_its_setting() {
        let brand: Brand = r#"{"name":"Acme"}"#.parse().expect("a brand");
        let text = serde_json::to_string(&brand).expect("JSON");
        assert_eq!(text.parse::<Brand>().expect("a brand"), brand);
    }
}
