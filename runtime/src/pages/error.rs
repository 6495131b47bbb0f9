//! What a page says when it cannot show what was asked for.

use askama::Template;

use super::frame::{Frame, Here, Look};
use super::words::Words;

/// Which page of the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorPage {
    /// No such page or invoice.
    NotFound,
    /// Not allowed.
    Forbidden,
    /// A failure of ours.
    Failed,
    /// It took too long, or too much is asked at once.
    Busy,
}

#[derive(Template)]
#[template(path = "error.html")]
struct Page<'a> {
    frame: Frame<'a>,
    w: &'static Words,
    text: &'static str,
}

impl ErrorPage {
    /// The page of a status.
    pub fn of(status: u16) -> ErrorPage {
        match status {
            403 => ErrorPage::Forbidden,
            429 | 503 => ErrorPage::Busy,
            500.. => ErrorPage::Failed,
            _ => ErrorPage::NotFound,
        }
    }
}

/// The page as HTML.
///
/// # Errors
/// When the template cannot be written, which memory does not do.
pub fn error(look: Look, page: ErrorPage) -> askama::Result<String> {
    let w = Words::of(look.locale.language);
    let (title, text) = match page {
        ErrorPage::NotFound => (w.not_found_title, w.not_found),
        ErrorPage::Forbidden => (w.forbidden_title, w.forbidden),
        ErrorPage::Failed => (w.failed_title, w.failed),
        ErrorPage::Busy => (w.busy_title, w.busy),
    };
    Page { frame: look.frame(title, None, Here::Error), w, text }.render()
}
