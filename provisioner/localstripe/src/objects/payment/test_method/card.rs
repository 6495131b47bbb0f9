//! Stripe's published test cards: their tokens, their numbers, and what comes of a payment with them.

use super::{Asks, Complaint, Decline, Form, Outcome, Refunds, TestMethod, card_declined, decline};

const GENERIC: Decline = card_declined("generic_decline", "Your card was declined.");
const INSUFFICIENT: Decline = card_declined("insufficient_funds", "Your card has insufficient funds.");
const PROCESSING: Decline =
    decline("processing_error", None, "An error occurred while processing your card. Try again in a little bit.");

/// One test card. The names stand after `pm_card_` and `tok_`.
struct Card {
    names: &'static [&'static str],
    number: &'static str,
    brand: &'static str,
    outcome: Outcome,
    refunds: Refunds,
    /// It can be kept for a customer although it is declined when it is charged.
    kept: bool,
}

const fn card(names: &'static [&'static str], number: &'static str, brand: &'static str, outcome: Outcome) -> Card {
    Card { names, number, brand, outcome, refunds: Refunds::AtOnce, kept: false }
}

const fn visa(names: &'static [&'static str], number: &'static str, outcome: Outcome) -> Card {
    card(names, number, "visa", outcome)
}

const fn asks(when: Asks, then: Option<Decline>) -> Outcome {
    Outcome::NeedsCustomer { when, then }
}

const fn disputed(reason: &'static str, inquiry: bool) -> Outcome {
    Outcome::Disputed(Complaint { reason, inquiry })
}

const CARDS: &[Card] = &[
    visa(&["visa"], "4242424242424242", Outcome::Succeeds),
    visa(&["visa_debit"], "4000056655665556", Outcome::Succeeds),
    card(&["mastercard"], "5555555555554444", "mastercard", Outcome::Succeeds),
    card(&["mastercard_debit"], "5200828282828210", "mastercard", Outcome::Succeeds),
    card(&["mastercard_prepaid"], "5105105105105100", "mastercard", Outcome::Succeeds),
    card(&["amex"], "371449635398431", "amex", Outcome::Succeeds),
    visa(&["bypassPending"], "4000000000000077", Outcome::Succeeds),
    visa(&["chargeDeclined", "visa_chargeDeclined"], "4000000000000002", Outcome::Declines(GENERIC)),
    visa(
        &["chargeDeclinedInsufficientFunds", "visa_chargeDeclinedInsufficientFunds"],
        "4000000000009995",
        Outcome::Declines(INSUFFICIENT),
    ),
    visa(
        &["visa_chargeDeclinedLostCard"],
        "4000000000009987",
        Outcome::Declines(card_declined("lost_card", "Your card was declined.")),
    ),
    visa(
        &["visa_chargeDeclinedStolenCard"],
        "4000000000009979",
        Outcome::Declines(card_declined("stolen_card", "Your card was declined.")),
    ),
    visa(
        &["visa_chargeDeclinedVelocityLimitExceeded"],
        "4000000000006975",
        Outcome::Declines(card_declined(
            "card_velocity_exceeded",
            "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
        )),
    ),
    visa(
        &["chargeDeclinedExpiredCard"],
        "4000000000000069",
        Outcome::Declines(decline("expired_card", None, "Your card has expired.")),
    ),
    visa(
        &["chargeDeclinedIncorrectCvc"],
        "4000000000000127",
        Outcome::Declines(decline("incorrect_cvc", None, "Your card's security code is incorrect.")),
    ),
    visa(&["chargeDeclinedProcessingError"], "4000000000000119", Outcome::Declines(PROCESSING)),
    Card { kept: true, ..visa(&["chargeCustomerFail"], "4000000000000341", Outcome::Declines(GENERIC)) },
    visa(&["authenticationRequired"], "4000002760003184", asks(Asks::Always, None)),
    visa(&["authenticationRequiredOnSetup"], "4000002500003155", asks(Asks::UnlessSetUp, None)),
    visa(&["authenticationRequiredSetupForOffSession"], "4000003800000446", asks(Asks::OnSession, None)),
    visa(
        &["authenticationRequiredChargeDeclinedInsufficientFunds"],
        "4000008260003178",
        asks(Asks::Always, Some(INSUFFICIENT)),
    ),
    visa(&["threeDSecure2Required", "threeDSecureRequired"], "4000000000003220", asks(Asks::Always, None)),
    visa(&["threeDSecureRequiredChargeDeclined"], "4000008400001629", asks(Asks::Always, Some(GENERIC))),
    visa(&["threeDSecureOptional"], "4000000000003055", Outcome::Succeeds),
    visa(&["createDispute"], "4000000000000259", disputed("fraudulent", false)),
    visa(&["createDisputeProductNotReceived"], "4000000000002685", disputed("product_not_received", false)),
    visa(&["createDisputeInquiry"], "4000000000001976", disputed("fraudulent", true)),
    Card { refunds: Refunds::Later, ..visa(&["pendingRefund"], "4000000000007726", Outcome::Succeeds) },
    Card { refunds: Refunds::FailLater, ..visa(&["refundFail"], "4000000000005126", Outcome::Succeeds) },
];

/// The test card of that token, `pm_card_…`.
pub(super) fn of(id: &str) -> Option<TestMethod> {
    let name = id.strip_prefix("pm_card_")?;
    CARDS.iter().find(|card| card.names.contains(&name)).map(method)
}

/// The token of the test card with that number.
pub(crate) fn token_of(number: &str) -> Option<String> {
    CARDS.iter().find(|card| card.number == number).map(|card| format!("pm_card_{}", card.names[0]))
}

fn method(card: &Card) -> TestMethod {
    TestMethod {
        form: Form::Card { brand: card.brand, last4: &card.number[card.number.len() - 4..] },
        outcome: card.outcome,
        refunds: card.refunds,
        not_attachable: match card.outcome {
            Outcome::Declines(decline) if !card.kept => Some(decline),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_stands_once_and_its_number_has_a_check_digit() {
        for (at, card) in CARDS.iter().enumerate() {
            assert!(CARDS[..at].iter().all(|other| other.number != card.number), "{}", card.number);
            assert!(crate::objects::payment::method::card::luhn(card.number), "{}", card.number);
            let token = token_of(card.number).unwrap();
            assert_eq!(of(&token).unwrap().outcome, card.outcome, "{token}");
        }
        assert_eq!(token_of("4242424242424241"), None);
    }

    #[test]
    fn what_declines_is_not_attachable_but_the_one_that_is_meant_to_be() {
        assert!(of("pm_card_chargeDeclined").unwrap().not_attachable.is_some());
        let kept = of("pm_card_chargeCustomerFail").unwrap();
        assert_eq!((kept.not_attachable, kept.outcome), (None, Outcome::Declines(GENERIC)));
    }
}
