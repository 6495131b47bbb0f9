//! What Stripe can charge in a currency.

/// How amounts of a currency are written and rounded. Amounts in this package are Stripe's: whole numbers of
/// `10^-decimals`, always a multiple of `step`.
///
/// Source: money-lifecycle.md, point 11, and Stripe's page on currencies: currencies without decimals; UGX and ISK,
/// which are whole but sent with two decimals, `00`; three decimals, of which the last is `0`. A code that Stripe does
/// not list is no currency here either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency {
    /// The ISO code: `EUR`.
    pub code: &'static str,
    /// Decimals in which Stripe counts.
    pub decimals: u32,
    /// The least difference of two amounts that Stripe charges, in its smallest unit.
    pub step: i128,
}

/// Whole units.
const NONE: &[&str] =
    &["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];

/// Two decimals, both zero.
const WHOLE_OF_TWO: &[&str] = &["ISK", "UGX"];

/// Three decimals, the last zero.
const THREE: &[&str] = &["BHD", "JOD", "KWD", "OMR", "TND"];

/// Two decimals.
const TWO: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BMD", "BND",
    "BOB", "BRL", "BSD", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CNY", "COP", "CRC", "CVE", "CZK", "DKK", "DOP",
    "DZD", "EGP", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GIP", "GMD", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF",
    "IDR", "ILS", "INR", "JMD", "KES", "KGS", "KHR", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL",
    "MKD", "MMK", "MNT", "MOP", "MUR", "MVR", "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD",
    "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SEK", "SGD", "SHP",
    "SLE", "SOS", "SRD", "STD", "SZL", "THB", "TJS", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "UYU", "UZS",
    "WST", "XCD", "YER", "ZAR", "ZMW",
];

impl Currency {
    /// Finds a currency by its ISO code, in capitals; none where Stripe has no such currency.
    #[must_use]
    pub fn find(code: &str) -> Option<Self> {
        let groups = [(NONE, 0, 1), (WHOLE_OF_TWO, 2, 100), (THREE, 3, 10), (TWO, 2, 1)];
        groups.iter().find_map(|(codes, decimals, step)| {
            let code = codes.iter().find(|listed| **listed == code)?;
            Some(Self { code, decimals: *decimals, step: *step })
        })
    }

    /// Returns how many of Stripe's units one whole unit is: 100 for EUR.
    #[must_use]
    pub fn scale(&self) -> i128 {
        10_i128.pow(self.decimals)
    }

    /// Returns the least that Stripe charges, in its smallest unit; none where Stripe names no amount. Source: Stripe's
    /// page on currencies, "Minimum and maximum charge amounts", read in November 2026.
    #[must_use]
    pub fn least_charge(&self) -> Option<i128> {
        match self.code {
            "USD" | "AUD" | "BRL" | "CAD" | "CHF" | "EUR" | "INR" | "JPY" | "NZD" | "SGD" => Some(50),
            "GBP" => Some(30),
            "AED" | "MYR" | "PLN" | "RON" => Some(200),
            "DKK" => Some(250),
            "NOK" | "SEK" => Some(300),
            "HKD" => Some(400),
            "MXN" | "THB" => Some(1_000),
            "CZK" => Some(1_500),
            "HUF" => Some(17_500),
            _ => None,
        }
    }

    /// Writes an amount for people: `125.50 USD`.
    #[must_use]
    pub fn show(&self, amount: i128) -> String {
        let (scale, sign) = (self.scale(), if amount < 0 { "-" } else { "" });
        let (whole, rest) = (amount.abs() / scale, amount.abs() % scale);
        match usize::try_from(self.decimals) {
            Ok(decimals) if decimals > 0 => format!("{sign}{whole}.{rest:0decimals$} {}", self.code),
            _ => format!("{sign}{whole} {}", self.code),
        }
    }
}
