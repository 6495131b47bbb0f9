//! The gate of `plan --max-money-delta`: no tenant's closed month may come out further off than so much.

use std::str::FromStr;

use billing::{Money, Percent};
use rust_decimal::Decimal;

use super::money_effects::{MoneyEffects, MonthEffect};
use crate::ui::failure::Failure;

/// How many months an error names.
const NAMED: usize = 10;

/// How far off a month may come out, up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyLimit {
    /// A share of what it was: `5%`.
    Share(Percent),
    /// An amount in the tenant's currency: `20.00`.
    Amount(Decimal),
}

impl FromStr for MoneyLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<MoneyLimit, String> {
        let wrong = || {
            format!(
                "`{text}` is no limit; write a share such as 5%, or an amount in the tenants' currencies such as 20.00"
            )
        };
        let limit = match text.trim().ends_with('%') {
            true => MoneyLimit::Share(text.parse().map_err(|_| wrong())?),
            false => MoneyLimit::Amount(Decimal::from_str_exact(text.trim()).map_err(|_| wrong())?),
        };
        let number = match limit {
            MoneyLimit::Share(percent) => percent.value(),
            MoneyLimit::Amount(amount) => amount,
        };
        if number.is_sign_negative() { Err(wrong()) } else { Ok(limit) }
    }
}

impl std::fmt::Display for MoneyLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            MoneyLimit::Share(percent) => write!(f, "{percent}"),
            MoneyLimit::Amount(amount) => write!(f, "{amount}"),
        }
    }
}

impl MoneyLimit {
    /// Refuses effects beyond the limit, and names them. What cannot be told or compared is beyond any limit.
    ///
    /// # Errors
    /// Some month comes out further off.
    pub fn check(self, effects: &MoneyEffects) -> Result<(), Failure> {
        if let Some(untold) = effects.untold.first() {
            let more = effects.untold.len().saturating_sub(1);
            let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
            let message = format!("--max-money-delta {self} cannot be checked: {untold}{more} The plan is not saved");
            return Err(Failure::new(message).hint("without --max-money-delta the plan is made all the same"));
        }
        let beyond: Vec<String> =
            effects.months.iter().filter(|effect| !self.allows(effect)).map(|effect| self.told(effect)).collect();
        if beyond.is_empty() {
            return Ok(());
        }
        let more = beyond.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let shown = beyond[..beyond.len().min(NAMED)].join(", ");
        Err(Failure::new(format!("--max-money-delta {self} is exceeded: {shown}{more}; the plan is not saved"))
            .hint("look at the amounts above; a higher --max-money-delta lets them pass"))
    }

    fn allows(self, effect: &MonthEffect) -> bool {
        let (Some(before), Some(delta)) = (effect.before, effect.delta()) else {
            return effect.before == effect.after;
        };
        let delta = delta.amount.abs();
        match self {
            MoneyLimit::Amount(most) => delta <= most,
            MoneyLimit::Share(share) => delta <= share.of(before.amount).abs(),
        }
    }

    fn told(self, effect: &MonthEffect) -> String {
        let MonthEffect { tenant, period, .. } = effect;
        let shown = |money: Option<Money>| money.map_or_else(|| "no price".to_owned(), |money| money.to_string());
        match effect.delta() {
            Some(delta) => format!("{tenant} {period} by {} of {}", signed(delta), shown(effect.before)),
            None => format!("{tenant} {period} from {} to {}", shown(effect.before), shown(effect.after)),
        }
    }
}

/// An amount with its sign and without its currency: `+4.20`.
pub fn signed(money: Money) -> String {
    let sign = if money.amount.is_sign_negative() { "" } else { "+" };
    format!("{sign}{}", money.plain())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(before: Option<&str>, after: Option<&str>) -> MoneyEffects {
        let money = |text: Option<&str>| text.map(|text| text.parse().expect("money"));
        let (tenant, period, reason) = ("acme".to_owned(), "2026-10".parse().expect("a month"), "terms".to_owned());
        MoneyEffects {
            months: vec![MonthEffect { tenant, period, before: money(before), after: money(after), reason }],
            ..MoneyEffects::default()
        }
    }

    #[test]
    fn what_cannot_be_told_passes_no_limit() {
        let untold = vec!["acme: what cost other tag values bring is known after the next cost sync.".to_owned()];
        let effects = MoneyEffects { untold, ..MoneyEffects::default() };
        let limit: MoneyLimit = "1000000".parse().expect("a limit");
        let failure = limit.check(&effects).expect_err("nobody knows");
        assert!(
            failure.message.contains("cannot be checked: acme: what cost other tag values bring"),
            "{}",
            failure.message
        );
        assert!(
            limit.check(&MoneyEffects::note("There is no ledger yet.")).is_ok(),
            "a first plan has nothing to change"
        );
    }

    fn passes(limit: &str, before: Option<&str>, after: Option<&str>) -> bool {
        limit.parse::<MoneyLimit>().expect("a limit").check(&effect(before, after)).is_ok()
    }

    #[test]
    fn a_limit_is_a_share_or_an_amount() {
        assert_eq!("5%".parse(), Ok(MoneyLimit::Share("5%".parse().expect("a share"))));
        assert_eq!("20.00".parse(), Ok(MoneyLimit::Amount("20.00".parse().expect("an amount"))));
        for wrong in ["", "5 USD", "-1", "-1%", "1e3", "%"] {
            assert!(wrong.parse::<MoneyLimit>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_month_may_be_off_by_the_limit_and_no_further_in_either_direction() {
        for (after, is_within) in
            [("105.00 USD", true), ("95.00 USD", true), ("105.01 USD", false), ("94.99 USD", false)]
        {
            assert_eq!(passes("5%", Some("100.00 USD"), Some(after)), is_within, "{after}");
            assert_eq!(passes("5.00", Some("100.00 USD"), Some(after)), is_within, "{after}");
        }
        assert!(!passes("5%", Some("0.00 USD"), Some("0.01 USD")), "of nothing, any amount is beyond a share");
        assert!(passes("0%", Some("0.00 USD"), Some("0.00 USD")));
        assert!(passes("5%", Some("-100.00 USD"), Some("-104.00 USD")), "a credit has an amount, too");
    }

    #[test]
    fn what_cannot_be_compared_is_beyond_any_limit() {
        for (before, after) in
            [(Some("1.00 USD"), None), (None, Some("1.00 USD")), (Some("1.00 USD"), Some("1.00 EUR"))]
        {
            assert!(!passes("1000000", before, after), "{before:?} {after:?}");
        }
        assert!(passes("0", None, None), "it had no price before");
    }

    #[test]
    fn the_error_names_what_is_beyond() {
        let limit: MoneyLimit = "1%".parse().expect("a limit");
        let failure = limit.check(&effect(Some("137.90 USD"), Some("142.10 USD"))).expect_err("it is beyond");
        let told = "--max-money-delta 1% is exceeded: acme 2026-10 by +4.20 of 137.90 USD; the plan is not saved";
        assert_eq!((failure.message.as_str(), failure.code), (told, 1));
        let failure = limit.check(&effect(Some("9.00 USD"), None)).expect_err("it is beyond");
        assert!(failure.message.contains("acme 2026-10 from 9.00 USD to no price"), "{}", failure.message);
    }
}
