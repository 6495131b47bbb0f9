//! What every page has around its content: brand, language, navigation, foot.

use billing::brand::Brand;

use super::assets::Assets;
use super::locale::{Language, Locale};
use super::words::{Words, fill};

/// How a page looks, whatever it shows.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Name, logo, colours.
    pub brand: &'a Brand,
    /// Where style and script lie.
    pub assets: &'a Assets,
    /// Language and country.
    pub locale: Locale,
}

/// Which page this is, for the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Here {
    Costs,
    Invoice,
    Help,
    SignIn,
    Error,
}

/// The frame of one page.
pub(super) struct Frame<'a> {
    pub(super) look: Look<'a>,
    pub(super) w: &'static Words,
    pub(super) title: String,
    /// The tenant who is signed in; none on pages that anybody may read.
    pub(super) tenant: Option<&'a str>,
    pub(super) here: Here,
}

impl<'a> Look<'a> {
    pub(super) fn frame(self, title: impl Into<String>, tenant: Option<&'a str>, here: Here) -> Frame<'a> {
        Frame { look: self, w: Words::of(self.locale.language), title: title.into(), tenant, here }
    }
}

impl Frame<'_> {
    pub(super) fn tag(&self) -> &'static str {
        self.look.locale.tag()
    }

    /// The colour as it stands in a data URI.
    pub(super) fn icon_colour(&self) -> String {
        self.look.brand.primary.to_string().replace('#', "%23")
    }

    pub(super) fn is_here(&self, here: Here) -> bool {
        self.here == here
    }

    /// The help in the page's language.
    pub(super) fn help_address(&self) -> String {
        format!("/help.html?lang={}", self.tag())
    }

    /// The other language's tag.
    pub(super) fn other_tag(&self) -> &'static str {
        match self.look.locale.language {
            Language::English => "de",
            Language::German => "en",
        }
    }

    /// The words before and after the support address.
    pub(super) fn support(&self) -> (String, String) {
        around(self.w.support)
    }

    pub(super) fn page_by(&self) -> String {
        fill(self.w.page_by, &[&self.look.brand.name])
    }
}

/// A phrase before and after its one place.
pub(super) fn around(phrase: &str) -> (String, String) {
    let (before, after) = phrase.split_once("{0}").unwrap_or((phrase, ""));
    (before.to_owned(), after.to_owned())
}
