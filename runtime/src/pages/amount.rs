//! A figure as a page writes it: the text that people read, and the value that machines do.

use std::fmt;

use billing::{Currency, Money};
use rust_decimal::Decimal;

use super::locale::Locale;

/// One figure: `<data value="125.50">$125.50</data>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Amount {
    value: Decimal,
    text: String,
}

impl Amount {
    /// US dollars.
    pub(super) fn dollars(locale: Locale, amount: Decimal) -> Amount {
        Amount::money(locale, Money::new(amount, Currency::USD))
    }

    /// A difference of US dollars, with its sign.
    pub(super) fn difference(locale: Locale, amount: Decimal) -> Amount {
        Amount { text: locale.difference(amount), ..Amount::dollars(locale, amount) }
    }

    /// Money of any currency.
    pub(super) fn money(locale: Locale, money: Money) -> Amount {
        let mut value = money.amount.normalize();
        if value.scale() < money.currency.decimals() {
            value.rescale(money.currency.decimals());
        }
        Amount { value, text: locale.money(money) }
    }
}

/// Markup; the text holds digits, signs and currency symbols alone.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<data value=\"{}\">{}</data>", self.value, self.text)
    }
}

impl askama::FastWritable for Amount {
    fn write_into(&self, dest: &mut dyn fmt::Write, _values: &dyn askama::Values) -> askama::Result<()> {
        Ok(write!(dest, "{self}")?)
    }
}

impl askama::filters::HtmlSafe for Amount {}
