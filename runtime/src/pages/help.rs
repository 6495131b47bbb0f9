//! Questions and answers.

use askama::Template;

use super::frame::{Frame, Here, Look, around};
use super::words::Words;

#[derive(Template)]
#[template(path = "help.html")]
struct Page<'a> {
    frame: Frame<'a>,
    w: &'static Words,
    questions: Vec<(&'static str, &'static str)>,
    contact: (String, String),
}

/// The page as HTML.
///
/// # Errors
/// When the template cannot be written, which memory does not do.
pub fn help(look: Look) -> askama::Result<String> {
    let w = Words::of(look.locale.language);
    let questions = vec![
        (w.h_costs, w.h_costs_a),
        (w.h_delay, w.h_delay_a),
        (w.h_change, w.h_change_a),
        (w.h_forecast, w.h_forecast_a),
        (w.h_invoice, w.h_invoice_a),
        (w.h_currency, w.h_currency_a),
        (w.h_link, w.h_link_a),
    ];
    let contact = around(w.h_contact_a);
    Page { frame: look.frame(w.help_title, None, Here::Help), w, questions, contact }.render()
}
