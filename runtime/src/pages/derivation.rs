//! Why an invoice is that much, in plain words: each step's operands as a sentence or two.

use billing::invoice::{Derivation, Invoice, Rule, Step};
use billing::{Currency, Money};
use rust_decimal::Decimal;

use super::locale::Locale;
use super::words::{Words, fill};

/// What a rule is called: `Service markup 10%`, `Credit from October 2026`.
pub(super) fn rule_name(locale: Locale, w: &Words, rule: Rule, derivation: Option<&Derivation>) -> String {
    let from = match derivation {
        Some(Derivation::Carried { from }) => locale.month(from.month),
        _ => String::new(),
    };
    let percent = match derivation {
        Some(Derivation::Share { percent, .. }) => format!(" {}", locale.percent(percent.value())),
        _ => String::new(),
    };
    match rule {
        Rule::BaseFee => w.base_fee.to_owned(),
        Rule::Cost => w.aws_cost.to_owned(),
        Rule::Markup => format!("{}{percent}", w.markup),
        Rule::Fee => w.fee.to_owned(),
        Rule::Allowance => w.allowance.to_owned(),
        Rule::Discount => format!("{}{percent}", w.discount),
        Rule::Minimum => w.minimum.to_owned(),
        Rule::CardFee => w.card_fee.to_owned(),
        Rule::Tax => format!("{}{percent}", w.tax),
        Rule::Restated => fill(w.restated, &[&from]).trim().to_owned(),
        Rule::Credit => fill(w.credit, &[&from]).trim().to_owned(),
    }
}

/// How a step's amount came about. What an older version stored says it in its own words.
pub(super) fn sentences(locale: Locale, w: &Words, step: &Step, invoice: &Invoice) -> Vec<String> {
    let Some(derivation) = &step.derivation else { return vec![step.text.clone()] };
    let money = |money: Money| locale.money(money);
    let converted = |rate: Decimal| (rate != Decimal::ONE).then(|| conversion(locale, w, invoice)).flatten();
    match derivation {
        Derivation::Stated { stated, rate } => {
            sentence(fill(w.d_stated, &[&money(*stated)])).chain(converted(*rate)).collect()
        }
        Derivation::Cost { services, shared, rate } => {
            let own: Decimal = services.values().sum();
            let all = own + shared.as_ref().map_or(Decimal::ZERO, |part| part.amount);
            let count = services.len() + usize::from(shared.is_some());
            let phrase = if count == 1 { w.d_cost_one } else { w.d_cost_many };
            let shown = Money::new(all, Currency::USD).rounded();
            let cost = fill(phrase, &[&money(shown), &count.to_string()]);
            let part = shared
                .as_ref()
                .map(|part| fill(w.d_cost_shared, &[&money(Money::new(part.amount, Currency::USD).rounded())]));
            sentence(cost).chain(part).chain(converted(*rate)).collect()
        }
        Derivation::Share { percent, base } => {
            let phrase = match step.rule {
                Rule::Markup => w.d_markup,
                Rule::Discount => w.d_discount,
                Rule::Tax => w.d_tax,
                _ => w.d_share,
            };
            vec![fill(phrase, &[&locale.percent(percent.value()), &money(base.rounded())])]
        }
        Derivation::Tier { below, flat, rate, percent, base, .. } => {
            let cost = money(base.rounded());
            let tier = match below {
                Some(below) => fill(w.d_tier, &[&cost, &money(*below)]),
                None => fill(w.d_tier_last, &[&cost]),
            };
            let flat = flat.map(|flat| fill(w.d_tier_flat, &[&money(flat)]));
            let percent = percent.map(|percent| fill(w.d_tier_percent, &[&locale.percent(percent.value())]));
            sentence(tier).chain(flat).chain(percent).chain(converted(*rate)).collect()
        }
        Derivation::Allowance { stated, rate, usage } => {
            sentence(fill(w.d_allowance, &[&money(*stated), &money(*usage)])).chain(converted(*rate)).collect()
        }
        Derivation::Minimum { stated, rate, before } => {
            sentence(fill(w.d_minimum, &[&money(*stated), &money(*before)])).chain(converted(*rate)).collect()
        }
        Derivation::PaymentFee { percent, base, fixed, rate } => {
            let fee = fill(w.d_card_fee, &[&locale.percent(percent.value()), &money(*base), &money(*fixed)]);
            sentence(fee).chain(converted(*rate)).collect()
        }
        Derivation::Carried { from } => {
            let phrase = if step.rule == Rule::Credit { w.d_credit } else { w.d_restated };
            vec![fill(phrase, &[&locale.month(from.month)])]
        }
    }
}

fn sentence(text: String) -> impl Iterator<Item = String> {
    std::iter::once(text)
}

/// The rate, its source and its day.
fn conversion(locale: Locale, w: &Words, invoice: &Invoice) -> Option<String> {
    let rate = invoice.exchange.as_ref()?;
    let (value, day) = (locale.rate(rate.rate), locale.day(rate.date));
    Some(fill(w.d_converted, &[&value, rate.to.code(), &rate.source, &day]))
}
