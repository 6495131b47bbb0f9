//! The text of a budget's alert. Mails and topics get the same.
//!
//! Source: notifications that Budgets sent to SNS, as public repositories keep them for their tests (2019 to 2026); no
//! page of AWS's documentation shows one.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::{Decimal, RoundingStrategy};

use super::alert::{Operator, Passed};
use super::time_unit::TimeUnit;

/// The sender of the mails.
pub(super) const SENDER: &str = "budgets@costalerts.amazonaws.com";

/// The subject.
pub(super) fn subject(passed: &Passed) -> String {
    format!("AWS Budgets: {} has exceeded your alert threshold", passed.budget)
}

/// The text.
pub(super) fn body(passed: &Passed, at: Timestamp) -> String {
    let Passed { budget, account, .. } = passed;
    let date = at.to_zoned(TimeZone::UTC).strftime("%B %d, %Y");
    let kind = passed.kind.as_str();
    let (limit, threshold, amount) = (dollars(passed.limit), dollars(passed.threshold), dollars(passed.amount));
    let (period, opening) = match passed.unit {
        TimeUnit::Daily => ("per day", "Yesterday, the"),
        TimeUnit::Monthly => ("for the current month", "The"),
        TimeUnit::Quarterly => ("for the current quarter", "The"),
        TimeUnit::Annually => ("for the current year", "The"),
    };
    let comparison = match passed.operator {
        Operator::Greater => "greater than",
        Operator::Less => "less than",
        Operator::Equal => "equal to",
    };
    format!(
        "AWS Budget Notification {date}\nAWS Account {account}\n\nDear AWS Customer,\n\n\
         You requested that we alert you when the {kind} Cost associated with your {budget} budget is {comparison} \
         {threshold} {period}. {opening} {kind} Cost associated with this budget is {amount}. You can find additional \
         details below and by accessing the AWS Budgets dashboard [1].\n\n\
         Budget Name: {budget}\nBudget Type: Cost\nBudgeted Amount: {limit}\nAlert Type: {kind}\n\
         Alert Threshold: {sign} {threshold}\n{kind} Amount: {amount}\n\n\
         [1] https://console.aws.amazon.com/billing/home#/budgets\n",
        sign = passed.operator.sign(),
    )
}

/// `$1,234.50`
fn dollars(amount: Decimal) -> String {
    let text = format!("{:.2}", amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero));
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}${grouped}.{cents}")
}

#[cfg(test)]
mod tests {
    use super::super::alert::{Kind, Subscriber};
    use super::*;

    #[test]
    fn the_text_is_awss() {
        let passed = Passed {
            key: String::new(),
            budget: "Test Budget".to_owned(),
            account: "017790921725".to_owned(),
            unit: TimeUnit::Monthly,
            kind: Kind::Actual,
            operator: Operator::Greater,
            limit: Decimal::new(20, 2),
            threshold: Decimal::new(16, 2),
            amount: Decimal::new(59, 2),
            subscribers: vec![Subscriber::Email("a@example.com".to_owned())],
        };
        assert_eq!(subject(&passed), "AWS Budgets: Test Budget has exceeded your alert threshold");
        assert_eq!(
            body(&passed, "2022-09-26T19:20:37Z".parse().unwrap()),
            "AWS Budget Notification September 26, 2022\nAWS Account 017790921725\n\nDear AWS Customer,\n\nYou requested that we alert you when the ACTUAL Cost associated with your Test Budget budget is greater than $0.16 for the current month. The ACTUAL Cost associated with this budget is $0.59. You can find additional details below and by accessing the AWS Budgets dashboard [1].\n\nBudget Name: Test Budget\nBudget Type: Cost\nBudgeted Amount: $0.20\nAlert Type: ACTUAL\nAlert Threshold: > $0.16\nACTUAL Amount: $0.59\n\n[1] https://console.aws.amazon.com/billing/home#/budgets\n"
        );
    }

    #[test]
    fn dollars_are_grouped_and_rounded() {
        let text = |amount: &str| dollars(Decimal::from_str_exact(amount).unwrap());
        assert_eq!(text("0"), "$0.00");
        assert_eq!(text("999.995"), "$1,000.00");
        assert_eq!(text("1234567.5"), "$1,234,567.50");
        assert_eq!(text("-1234"), "-$1,234.00");
    }
}
