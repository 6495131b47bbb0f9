//! The page that a signed link opens: its script exchanges the token for a session.

use askama::Template;

use super::frame::{Frame, Here, Look};
use super::words::Words;

#[derive(Template)]
#[template(path = "signin.html")]
struct Page<'a> {
    frame: Frame<'a>,
    w: &'static Words,
    signed_out: bool,
}

/// The page as HTML; with a word that the session is over after signing out.
///
/// # Errors
/// When the template cannot be written, which memory does not do.
pub fn signin(look: Look, signed_out: bool) -> askama::Result<String> {
    let w = Words::of(look.locale.language);
    Page { frame: look.frame(w.signin_title, None, Here::SignIn), w, signed_out }.render()
}
