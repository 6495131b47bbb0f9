//! Stripe's published test payment methods: what each of them is and does.

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

/// What comes of a payment with a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Succeeds,
    Declines(Decline),
    /// The bank wants its customer, who is not there.
    NeedsCustomer,
    /// Succeeds, and the customer complains at once.
    Disputed(&'static str),
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
    /// Why it cannot be attached to a customer: what declines does so there already.
    pub(crate) not_attachable: Option<Decline>,
}

/// Seconds until the bank of a debit answers that is not delayed.
const SOON: i64 = 60;
/// The published delay of the delayed ones: at least three minutes.
const DELAYED: i64 = 180;

/// The countries whose bank accounts have test methods.
const SEPA_COUNTRIES: [&[u8; 2]; 19] = [
    b"at", b"be", b"ch", b"de", b"ee", b"es", b"fi", b"fr", b"gb", b"gi", b"hr", b"ie", b"li", b"lt", b"lu", b"nl",
    b"no", b"pt", b"se",
];

const fn decline(code: &'static str, decline_code: Option<&'static str>, message: &'static str) -> Decline {
    Decline { code, decline_code, message }
}

const fn card_declined(reason: &'static str, message: &'static str) -> Decline {
    decline("card_declined", Some(reason), message)
}

const GENERIC: Decline = card_declined("generic_decline", "Your card was declined.");

/// Returns the test method of that id, or none when Stripe publishes none of that id.
pub(crate) fn of(id: &str) -> Option<TestMethod> {
    card(id).or_else(|| us_bank_account(id)).or_else(|| sepa_debit(id))
}

fn card(id: &str) -> Option<TestMethod> {
    let name = id.strip_prefix("pm_card_")?;
    let visa = |last4, outcome| TestMethod {
        form: Form::Card { brand: "visa", last4 },
        outcome,
        not_attachable: match outcome {
            Outcome::Declines(decline) => Some(decline),
            _ => None,
        },
    };
    let declines = |last4, decline| visa(last4, Outcome::Declines(decline));
    let branded = |brand, last4| TestMethod {
        form: Form::Card { brand, last4 },
        outcome: Outcome::Succeeds,
        not_attachable: None,
    };
    Some(match name {
        "visa" => visa("4242", Outcome::Succeeds),
        "visa_debit" => visa("5556", Outcome::Succeeds),
        "mastercard" => branded("mastercard", "4444"),
        "mastercard_debit" => branded("mastercard", "8210"),
        "amex" => branded("amex", "8431"),
        "chargeDeclined" | "visa_chargeDeclined" => declines("0002", GENERIC),
        "chargeDeclinedInsufficientFunds" | "visa_chargeDeclinedInsufficientFunds" => {
            declines("9995", card_declined("insufficient_funds", "Your card has insufficient funds."))
        }
        "visa_chargeDeclinedLostCard" => declines("9987", card_declined("lost_card", "Your card was declined.")),
        "visa_chargeDeclinedStolenCard" => declines("9979", card_declined("stolen_card", "Your card was declined.")),
        "chargeDeclinedExpiredCard" => declines("0069", decline("expired_card", None, "Your card has expired.")),
        "chargeDeclinedIncorrectCvc" => {
            declines("0127", decline("incorrect_cvc", None, "Your card's security code is incorrect."))
        }
        "chargeDeclinedProcessingError" => {
            let message = "An error occurred while processing your card. Try again in a little bit.";
            declines("0119", decline("processing_error", None, message))
        }
        // It can be kept for a customer, and is declined whenever it is charged.
        "chargeCustomerFail" => TestMethod { not_attachable: None, ..declines("0341", GENERIC) },
        "authenticationRequired" => visa("3184", Outcome::NeedsCustomer),
        "createDispute" => visa("0259", Outcome::Disputed("fraudulent")),
        "createDisputeProductNotReceived" => visa("2685", Outcome::Disputed("product_not_received")),
        _ => return None,
    })
}

fn us_bank_account(id: &str) -> Option<TestMethod> {
    let name = id.strip_prefix("pm_usBankAccount_")?;
    let debit = |last4, after, failure: Option<(&'static str, &'static str)>, disputed| TestMethod {
        form: Form::UsBankAccount { last4 },
        outcome: Outcome::Debit(Debit {
            after,
            failure: failure.map(|(code, message)| decline(code, None, message)),
            disputed,
        }),
        not_attachable: None,
    };
    let fails = |last4, code, message| debit(last4, Some(SOON), Some((code, message)), false);
    Some(match name {
        "success" => debit("6789", Some(SOON), None, false),
        "accountClosed" => fails("1113", "account_closed", "The customer's bank account has been closed."),
        "noAccount" => fails("1116", "no_account", "The customer's bank account could not be located."),
        "insufficientFunds" => {
            fails("2227", "insufficient_funds", "The customer's account has insufficient funds to cover this payment.")
        }
        "debitNotAuthorized" => fails(
            "3335",
            "debit_not_authorized",
            "The customer has notified their bank that this payment was unauthorized.",
        ),
        "dispute" => debit("5559", Some(SOON), None, true),
        "processing" => debit("0009", None, None, false),
        _ => return None,
    })
}

fn sepa_debit(id: &str) -> Option<TestMethod> {
    let (name, country) = id.strip_prefix("pm_")?.rsplit_once('_')?;
    let country = **SEPA_COUNTRIES.iter().find(|known| known.as_slice() == country.as_bytes())?;
    let (after, failure, disputed) = match name {
        "success" => (SOON, None, false),
        "successDelayed" => (DELAYED, None, false),
        "failed" => (SOON, Some("generic_could_not_process"), false),
        "failedDelayed" => (DELAYED, Some("generic_could_not_process"), false),
        "disputed" => (SOON, None, true),
        "insufficientFunds" => (SOON, Some("insufficient_funds"), false),
        "exceedsWeeklyVolumeLimit" => (SOON, Some("charge_exceeds_source_limit"), false),
        "exceedsWeeklyTransactionLimit" => (SOON, Some("charge_exceeds_weekly_limit"), false),
        _ => return None,
    };
    let failure = failure.map(|code| decline(code, None, "The debit was returned by the customer's bank."));
    Some(TestMethod {
        form: Form::SepaDebit(country),
        outcome: Outcome::Debit(Debit { after: Some(after), failure, disputed }),
        not_attachable: None,
    })
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
    fn what_declines_is_not_attachable_but_the_one_that_is_meant_to_be() {
        assert!(of("pm_card_chargeDeclined").unwrap().not_attachable.is_some());
        let kept = of("pm_card_chargeCustomerFail").unwrap();
        assert_eq!((kept.not_attachable, kept.outcome), (None, Outcome::Declines(GENERIC)));
    }
}
