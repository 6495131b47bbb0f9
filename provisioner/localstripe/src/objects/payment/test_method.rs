//! Stripe's published test payment methods: what each of them is and does.

pub(crate) mod card;
pub(crate) mod sepa;
pub(crate) mod us_bank_account;

use crate::wire::error::{ApiError, ErrorType};

/// Why a payment failed, in the words of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decline {
    pub(crate) code: &'static str,
    pub(crate) decline_code: Option<&'static str>,
    pub(crate) message: &'static str,
}

impl Decline {
    /// The refusal of the request that asked for the payment.
    pub(crate) fn refusal(self) -> ApiError {
        let refusal = ApiError::invalid(self.message).with_status(402).with_kind(ErrorType::Card).with_code(self.code);
        match self.decline_code {
            Some(code) => refusal.with_decline_code(code),
            None => refusal,
        }
    }
}

/// When the bank wants to see its customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// For every payment, and when the card is set up.
    Always,
    /// For every payment until the card was set up.
    UnlessSetUp,
    /// For payments in the customer's presence only.
    OnSession,
}

/// How a customer complains to the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// As the API names it, `fraudulent`.
    pub(crate) reason: &'static str,
    /// The bank only asks; no money is taken back yet.
    pub(crate) inquiry: bool,
}

/// What comes of a payment with a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Succeeds,
    Declines(Decline),
    /// The bank wants its customer first; what it says then, when it does not pay.
    NeedsCustomer {
        when: Asks,
        then: Option<Decline>,
    },
    /// Succeeds, and the customer complains at once.
    Disputed(Complaint),
    /// The bank is asked and answers later.
    Debit(Debit),
}

/// What a bank answers about a debit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Debit {
    /// Seconds until it answers; none is never.
    pub(crate) after: Option<i64>,
    pub(crate) failure: Option<Decline>,
    pub(crate) disputed: bool,
}

/// What comes of setting a method up for later payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setup {
    Succeeds,
    Declines(Decline),
    /// The bank wants its customer.
    NeedsCustomer,
}

/// When a refund to a method arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refunds {
    AtOnce,
    /// It is pending first.
    Later,
    /// It seems to have arrived, and comes back.
    FailLater,
}

/// What kind of method it is, with what it shows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Card {
        brand: &'static str,
        last4: &'static str,
    },
    UsBankAccount {
        last4: &'static str,
    },
    /// The country, two lower-case letters as in the token.
    SepaDebit([u8; 2]),
}

/// A published test payment method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TestMethod {
    pub(crate) form: Form,
    pub(crate) outcome: Outcome,
    pub(crate) refunds: Refunds,
    /// Why it cannot be attached to a customer: what declines does so there already.
    pub(crate) not_attachable: Option<Decline>,
}

impl TestMethod {
    /// What comes of setting it up.
    pub(crate) fn setup(&self) -> Setup {
        match (self.not_attachable, self.outcome) {
            (Some(decline), _) => Setup::Declines(decline),
            (None, Outcome::NeedsCustomer { when: Asks::Always | Asks::UnlessSetUp, .. }) => Setup::NeedsCustomer,
            _ => Setup::Succeeds,
        }
    }
}

/// Seconds until the bank of a debit answers that is not delayed.
const SOON: i64 = 60;

const fn decline(code: &'static str, decline_code: Option<&'static str>, message: &'static str) -> Decline {
    Decline { code, decline_code, message }
}

const fn card_declined(reason: &'static str, message: &'static str) -> Decline {
    decline("card_declined", Some(reason), message)
}

/// The bank's customer was asked, and did not confirm.
pub(crate) const NOT_CONFIRMED: &str =
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.";

/// The failure of a payment whose authentication failed.
pub(crate) const PAYMENT_NOT_CONFIRMED: Decline = decline("payment_intent_authentication_failure", None, NOT_CONFIRMED);

/// The failure of a set-up whose authentication failed.
pub(crate) const SETUP_NOT_CONFIRMED: Decline = decline("setup_intent_authentication_failure", None, NOT_CONFIRMED);

/// Why debits fail, by the codes that a test may ask for.
pub(crate) fn debit_failure(code: &str) -> Option<Decline> {
    const CODES: [&str; 5] =
        ["insufficient_funds", "account_closed", "no_account", "debit_not_authorized", "generic_could_not_process"];
    CODES.into_iter().find(|known| *known == code).map(|code| decline(code, None, sepa::RETURNED))
}

/// Returns the test method of that id, or none when Stripe publishes none of that id.
pub(crate) fn of(id: &str) -> Option<TestMethod> {
    card::of(id).or_else(|| us_bank_account::of(id)).or_else(|| sepa::of(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_names_are_known_and_others_are_not() {
        for id in ["pm_card_visa", "pm_usBankAccount_success", "pm_successDelayed_de", "pm_card_chargeCustomerFail"] {
            assert!(of(id).is_some(), "{id}");
        }
        for id in ["pm_1234", "pm_card_gold", "pm_usBankAccount_", "pm_success_us", "pm_success", "cus_1", ""] {
            assert!(of(id).is_none(), "{id}");
        }
    }

    #[test]
    fn what_setting_up_meets_is_known() {
        let setup = |id: &str| of(id).unwrap().setup();
        assert_eq!(setup("pm_card_visa"), Setup::Succeeds);
        assert_eq!(setup("pm_card_chargeCustomerFail"), Setup::Succeeds);
        assert_eq!(setup("pm_success_de"), Setup::Succeeds);
        assert_eq!(setup("pm_card_authenticationRequired"), Setup::NeedsCustomer);
        assert_eq!(setup("pm_card_authenticationRequiredOnSetup"), Setup::NeedsCustomer);
        assert!(matches!(setup("pm_card_chargeDeclined"), Setup::Declines(_)));
    }
}
