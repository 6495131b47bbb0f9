//! What pages say, in each language. `{0}` stands for what is filled in; the languages have the same words with the same
//! places, which a test checks.

mod de;
mod en;

use billing::statement::Standing;

use super::locale::Language;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// The words of one language.
        pub(super) struct Words { $(pub(super) $name: &'static str,)* }

        impl Words {
            /// Every word by its name, for the test of both languages.
            #[cfg(test)]
            pub(super) fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

words! {
    // Every page.
    skip, costs, help, sign_in, sign_out, support, aws_usd, page_by,
    // Sign-in.
    signin_title, signin_ask, signin_how, signin_working, signin_failed, signin_over, signin_offline, signin_noscript,
    signed_out,
    // Errors.
    not_found_title, not_found, forbidden_title, forbidden, failed_title, failed, busy_title, busy, back_to_costs,
    // Portal: top.
    known_through, first_day, first_day_why, estimated, so_far, no_cost_yet, no_cost_why, whole_month,
    forecast, forecast_basis, no_forecast, no_forecast_why, budget, budget_used, budget_left, budget_over,
    // Portal: breakdowns.
    by_day, by_day_about, by_day_table, by_day_summary, day, by_service, by_project, service, project, total, no_project,
    no_services, changes, changes_basis, change, changes_none, changes_total, before, now,
    // Portal: invoices and payment.
    invoices, no_invoices, no_invoices_why, month, amount, standing, due, details, download_costs,
    download_invoices, payment, card_on_file, bank_on_file, method_on_file, no_card, unseen_card, no_card_why, add_method, manage_method, see_invoice, viewer_only,
    card_added, card_cancelled, overdue_one, overdue_many, failed_one, confirm_one, paused, paused_reason, paused_means, last_period, problem, pay_noscript,
    // Invoice page.
    invoice_of, issued_on, due_by, charged_by_itself, to_pay, paid_in_full, refunded, pay_now, open_at_stripe, line, lines, why, why_about,
    step, adds, sum, preparing_about, void_about, credit_about, nothing_about, base_fee, aws_cost, markup, fee,
    allowance, discount, minimum, card_fee, tax, restated, credit, shared, other_services, covered_days,
    // Derivations.
    d_cost_one, d_cost_many, d_cost_shared, d_converted, d_stated, d_markup, d_discount, d_tax, d_share, d_tier, d_tier_last,
    d_tier_flat, d_tier_percent, d_allowance, d_minimum, d_card_fee, d_restated, d_credit,
    // Standings.
    s_preparing, s_open, s_overdue, s_processing, s_failed, s_confirm, s_paid, s_disputed, s_written_off, s_void,
    s_nothing, s_credit,
    // Help.
    help_title, help_intro, h_costs, h_costs_a, h_delay, h_delay_a, h_change, h_change_a, h_forecast, h_forecast_a, h_card, h_card_1,
    h_card_2, h_card_3, h_invoice, h_invoice_a, h_currency, h_currency_a, h_link, h_link_a, h_contact, h_contact_a, h_contact_none,
    other_language,
}

impl Words {
    /// The words of a language.
    pub(super) fn of(language: Language) -> &'static Words {
        match language {
            Language::English => &en::WORDS,
            Language::German => &de::WORDS,
        }
    }

    /// How an invoice stands.
    pub(super) fn standing_of(&self, standing: Standing) -> &'static str {
        match standing {
            Standing::Preparing => self.s_preparing,
            Standing::Open => self.s_open,
            Standing::Overdue => self.s_overdue,
            Standing::Processing => self.s_processing,
            Standing::Failed => self.s_failed,
            Standing::NeedsConfirmation => self.s_confirm,
            Standing::Paid => self.s_paid,
            Standing::Disputed => self.s_disputed,
            Standing::WrittenOff => self.s_written_off,
            Standing::Void => self.s_void,
            Standing::NothingDue => self.s_nothing,
            Standing::Credit => self.s_credit,
        }
    }
}

/// A phrase with its places filled.
pub(super) fn fill(phrase: &str, given: &[&str]) -> String {
    let mut filled = phrase.to_owned();
    for (at, text) in given.iter().enumerate() {
        filled = filled.replace(&format!("{{{at}}}"), text);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<String> {
        let mut found: Vec<String> =
            (0..6).map(|at| format!("{{{at}}}")).filter(|place| text.contains(place)).collect();
        found.sort();
        found
    }

    #[test]
    fn both_languages_say_everything_with_the_same_places() {
        let (english, german) = (Words::of(Language::English).all(), Words::of(Language::German).all());
        for ((name, english), (_, german)) in english.iter().zip(&german) {
            assert!(!english.is_empty() && !german.is_empty(), "{name}");
            assert_eq!(places(english), places(german), "{name}");
        }
        let same: Vec<_> =
            english.iter().zip(&german).filter(|(one, two)| one.1 == two.1).map(|(one, _)| one.0).collect();
        assert_eq!(same, ["standing"], "said alike in both languages: translate, or list it here");
    }

    #[test]
    fn places_are_filled() {
        assert_eq!(fill("{0} of {1}, {0}", &["a", "b"]), "a of b, a");
    }
}
