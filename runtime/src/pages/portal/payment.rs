//! How the tenant pays, as far as people tell payment methods apart.

use billing::ledger::PaymentSetup;

use crate::pages::words::{Words, fill};

/// The payment method on file.
pub(super) struct Method {
    /// Whether there is one, or may be one.
    pub(super) is_there: bool,
    pub(super) text: String,
}

impl Method {
    pub(super) fn of(w: &'static Words, setup: Option<&PaymentSetup>, is_known: bool) -> Method {
        let found = setup.filter(|setup| !setup.deleted).and_then(|setup| setup.method.as_ref());
        let Some(method) = found else {
            let text = if is_known { w.no_card } else { w.unseen_card };
            return Method { is_there: !is_known, text: text.to_owned() };
        };
        let text = match (method.kind.as_str(), &method.last4) {
            ("card", Some(last4)) => fill(w.card_on_file, &[last4]),
            ("sepa_debit" | "us_bank_account", Some(last4)) => fill(w.bank_on_file, &[last4]),
            _ => w.method_on_file.to_owned(),
        };
        Method { is_there: true, text }
    }
}
