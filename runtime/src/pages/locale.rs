//! How people of a locale read money, days and months: English and German.

use billing::{Currency, Money, Month, Period};
use jiff::civil::Date;
use rust_decimal::Decimal;

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English, also for locales of languages that there are no pages in.
    English,
    /// German.
    German,
}

/// A language as one country writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locale {
    /// The language.
    pub language: Language,
    /// Days as the United States write them: the month first.
    month_first: bool,
    /// As Switzerland writes numbers: 1’234.50.
    swiss: bool,
}

const ENGLISH_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const GERMAN_MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
/// No line breaks here.
const NBSP: char = '\u{a0}';
const MINUS: char = '\u{2212}';

impl Locale {
    /// The locale of a language tag: `de-DE`, `en-US`. English where there are no pages in its language.
    pub fn of(tag: &str) -> Locale {
        let tag = tag.to_ascii_lowercase();
        let (language, rest) = tag.split_once('-').unwrap_or((&tag, ""));
        match language {
            "de" => Locale { language: Language::German, month_first: false, swiss: rest == "ch" || rest == "li" },
            "en" => Locale { language: Language::English, month_first: rest.is_empty() || rest == "us", swiss: false },
            _ => Locale { language: Language::English, month_first: false, swiss: false },
        }
    }

    /// The locale that a browser asks for, by its `Accept-Language`: the first language that there are pages in.
    pub fn accepted(header: Option<&str>) -> Locale {
        let tags = header.unwrap_or_default().split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
        let known = |tag: &&str| {
            let tag = tag.to_ascii_lowercase();
            ["de", "en"].iter().any(|known| tag == *known || tag.starts_with(&format!("{known}-")))
        };
        Locale::of(tags.into_iter().find(known).unwrap_or("en-US"))
    }

    /// The tag for the page's `lang`.
    pub fn tag(self) -> &'static str {
        match self.language {
            Language::English => "en",
            Language::German => "de",
        }
    }

    /// An amount with its currency: `$1,234.50`, `1.234,50 €`.
    pub fn money(self, money: Money) -> String {
        let digits = self.number(money.amount.abs(), money.currency.decimals());
        let sign = sign(money.amount);
        let symbol = symbol(money.currency);
        match self.language {
            Language::English if symbol.len() == 3 && symbol.is_ascii() => format!("{sign}{symbol}{NBSP}{digits}"),
            Language::English => format!("{sign}{symbol}{digits}"),
            Language::German => format!("{sign}{digits}{NBSP}{symbol}"),
        }
    }

    /// An amount of US dollars.
    pub fn dollars(self, amount: Decimal) -> String {
        self.money(Money::new(amount, Currency::USD))
    }

    /// A difference, with its sign: `+$12.40`.
    pub fn difference(self, amount: Decimal) -> String {
        let plus = if amount > Decimal::ZERO { "+" } else { "" };
        format!("{plus}{}", self.dollars(amount))
    }

    /// A share in percent: `64.5 %` as the language writes it.
    pub fn percent(self, percent: Decimal) -> String {
        let percent = percent.normalize();
        let digits = self.number(percent.abs(), percent.scale());
        let sign = sign(percent);
        match self.language {
            Language::English => format!("{sign}{digits}%"),
            Language::German => format!("{sign}{digits}{NBSP}%"),
        }
    }

    /// A rate of exchange, with all its digits.
    pub fn rate(self, rate: Decimal) -> String {
        let rate = rate.normalize();
        self.number(rate, rate.scale())
    }

    /// A number of so many decimals, its thousands grouped. Nothing is rounded: a longer one keeps its digits.
    fn number(self, number: Decimal, decimals: u32) -> String {
        let mut number = number.normalize();
        if number.scale() < decimals {
            number.rescale(decimals);
        }
        let text = number.to_string();
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let (group, point) = match (self.language, self.swiss) {
            (Language::English, _) => (',', '.'),
            (Language::German, false) => ('.', ','),
            (Language::German, true) => ('’', '.'),
        };
        let mut grouped = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at) % 3 == 0 {
                grouped.push(group);
            }
            grouped.push(digit);
        }
        if part.is_empty() { grouped } else { format!("{grouped}{point}{part}") }
    }

    /// A day: `November 28, 2026`, `28. November 2026`.
    pub fn day(self, day: Date) -> String {
        let (number, month, year) = (day.day(), self.month_name(day), day.year());
        match self.language {
            Language::German => format!("{number}.{NBSP}{month} {year}"),
            Language::English if self.month_first => format!("{month}{NBSP}{number}, {year}"),
            Language::English => format!("{number}{NBSP}{month} {year}"),
        }
    }

    /// A day without its year.
    pub fn day_of_year(self, day: Date) -> String {
        let (number, month) = (day.day(), self.month_name(day));
        match self.language {
            Language::German => format!("{number}.{NBSP}{month}"),
            Language::English if self.month_first => format!("{month}{NBSP}{number}"),
            Language::English => format!("{number}{NBSP}{month}"),
        }
    }

    /// Days from one to another: `October 29 – November 27`; one day alone where there is no other.
    pub fn days(self, days: &Period) -> String {
        let (first, last) = (days.start(), days.last_day());
        if first == last {
            return self.day_of_year(first);
        }
        if (first.year(), first.month()) != (last.year(), last.month()) {
            return format!("{} – {}", self.day_of_year(first), self.day_of_year(last));
        }
        let (from, to, month) = (first.day(), last.day(), self.month_name(first));
        match self.language {
            Language::German => format!("{from}.–{to}.{NBSP}{month}"),
            Language::English if self.month_first => format!("{month}{NBSP}{from}–{to}"),
            Language::English => format!("{from}–{to}{NBSP}{month}"),
        }
    }

    /// A month: `November 2026`.
    pub fn month(self, month: Month) -> String {
        let first = month.period().start();
        format!("{}{NBSP}{}", self.month_name(first), first.year())
    }

    /// A month without its year.
    pub fn month_name(self, day: Date) -> &'static str {
        let names = match self.language {
            Language::English => &ENGLISH_MONTHS,
            Language::German => &GERMAN_MONTHS,
        };
        usize::try_from(day.month() - 1).ok().and_then(|at| names.get(at)).copied().unwrap_or_default()
    }
}

fn sign(amount: Decimal) -> String {
    if amount.is_sign_negative() && !amount.is_zero() { MINUS.to_string() } else { String::new() }
}

/// Symbols that mean one currency alone; any other is written by its code.
fn symbol(currency: Currency) -> &'static str {
    const SYMBOLS: [(&str, &str); 4] = [("USD", "$"), ("EUR", "€"), ("GBP", "£"), ("JPY", "¥")];
    let known = SYMBOLS.iter().find(|(code, _)| *code == currency.code());
    known.map_or_else(|| code(currency), |(_, symbol)| symbol)
}

fn code(currency: Currency) -> &'static str {
    // Codes are a closed table, so each is found once per process and kept.
    static CODES: std::sync::OnceLock<Vec<(Currency, String)>> = std::sync::OnceLock::new();
    let codes = CODES.get_or_init(|| Currency::all().map(|currency| (currency, currency.code().to_owned())).collect());
    codes.iter().find(|(known, _)| *known == currency).map_or("", |(_, code)| code)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn money(text: &str) -> Money {
        text.parse().expect("money")
    }

    #[test]
    fn money_is_written_as_its_readers_do() {
        for (tag, amount, shown) in [
            ("en-US", "1234567.50 USD", "$1,234,567.50"),
            ("en-US", "-0.05 EUR", "−€0.05"),
            ("en-GB", "1234.5 CHF", "CHF\u{a0}1,234.50"),
            ("de-DE", "1234.5 EUR", "1.234,50\u{a0}€"),
            ("de-DE", "-12.4 USD", "−12,40\u{a0}$"),
            ("de-CH", "1234.5 CHF", "1’234.50\u{a0}CHF"),
            ("fr-FR", "999 JPY", "¥999"),
            ("de", "0.000 KWD", "0,000\u{a0}KWD"),
        ] {
            assert_eq!(Locale::of(tag).money(money(amount)), shown, "{tag}");
        }
        assert_eq!(Locale::of("en-US").difference(Decimal::new(1_240, 2)), "+$12.40");
        assert_eq!(Locale::of("en-US").difference(Decimal::ZERO), "$0.00");
        assert_eq!(Locale::of("de").percent(Decimal::new(645, 1)), "64,5\u{a0}%");
    }

    #[test]
    fn days_are_written_as_their_readers_do() {
        let day = date(2026, 11, 8);
        let span = |from, to| Period::inclusive(from, to).expect("days");
        for (tag, shown, days) in [
            ("en-US", "November\u{a0}8, 2026", "November\u{a0}1–8"),
            ("en-GB", "8\u{a0}November 2026", "1–8\u{a0}November"),
            ("de-AT", "8.\u{a0}November 2026", "1.–8.\u{a0}November"),
        ] {
            let locale = Locale::of(tag);
            assert_eq!(locale.day(day), shown);
            assert_eq!(locale.days(&span(date(2026, 11, 1), day)), days);
        }
        let across = span(date(2026, 10, 29), date(2026, 11, 27));
        assert_eq!(Locale::of("de").days(&across), "29.\u{a0}Oktober – 27.\u{a0}November");
        assert_eq!(Locale::of("en").days(&span(day, day)), "November\u{a0}8");
    }

    #[test]
    fn a_browser_gets_the_first_language_that_there_is() {
        let asked = |header| Locale::accepted(header).language;
        assert_eq!(asked(Some("fr-FR, de-AT;q=0.8, en;q=0.5")), Language::German);
        assert_eq!(asked(Some("deo, en")), Language::English);
        assert_eq!((asked(None), asked(Some(";;,"))), (Language::English, Language::English));
    }
}
