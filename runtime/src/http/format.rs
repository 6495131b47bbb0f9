//! How a list is to be answered.

use super::{Refusal, Request};

/// The form of an answer, `?format=…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For programs.
    Json,
    /// A file for a spreadsheet.
    Csv,
}

impl Format {
    /// The form that a request asks for; JSON when it asks for none.
    ///
    /// # Errors
    /// 400 when it is neither.
    pub fn asked(request: &Request) -> Result<Format, Refusal> {
        match request.query("format") {
            None | Some("json") => Ok(Format::Json),
            Some("csv") => Ok(Format::Csv),
            Some(_) => Err(Refusal::new(400, "bad_format", "format is `json` or `csv`")),
        }
    }
}
