//! Stripe's published test accounts of American banks.

use super::{Debit, Form, Outcome, Refunds, SOON, TestMethod, decline};

/// The names of the tokens after `pm_usBankAccount_`, with the account numbers behind them.
const ACCOUNTS: [(&str, &str); 7] = [
    ("success", "000123456789"),
    ("accountClosed", "000111111113"),
    ("noAccount", "000111111116"),
    ("insufficientFunds", "000222222227"),
    ("debitNotAuthorized", "000333333335"),
    ("dispute", "000555555559"),
    ("processing", "000000000009"),
];

/// The test account of that token, `pm_usBankAccount_…`.
pub(super) fn of(id: &str) -> Option<TestMethod> {
    let name = id.strip_prefix("pm_usBankAccount_")?;
    let (_, number) = ACCOUNTS.iter().find(|(known, _)| *known == name)?;
    let failure = match name {
        "accountClosed" => Some(("account_closed", "The customer's bank account has been closed.")),
        "noAccount" => Some(("no_account", "The customer's bank account could not be located.")),
        "insufficientFunds" => {
            Some(("insufficient_funds", "The customer's account has insufficient funds to cover this payment."))
        }
        "debitNotAuthorized" => {
            Some(("debit_not_authorized", "The customer has notified their bank that this payment was unauthorized."))
        }
        _ => None,
    };
    Some(TestMethod {
        form: Form::UsBankAccount { last4: &number[number.len() - 4..] },
        outcome: Outcome::Debit(Debit {
            after: (name != "processing").then_some(SOON),
            failure: failure.map(|(code, message)| decline(code, None, message)),
            disputed: name == "dispute",
        }),
        refunds: Refunds::AtOnce,
        not_attachable: None,
    })
}

/// The token of the test account with that number.
pub(crate) fn token_of(number: &str) -> Option<String> {
    ACCOUNTS.iter().find(|(_, known)| *known == number).map(|(name, _)| format!("pm_usBankAccount_{name}"))
}
