//! The errors of Cost Explorer, by the names its API reference gives them.

/// What Cost Explorer refuses, and how it says so. All are HTTP 400 with `__type` and `message`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A parameter is missing, malformed or impossible.
    #[error("{0}")]
    Validation(String),
    /// Hourly data and the like, which an account must first turn on.
    #[error("{0}")]
    AccessDenied(String),
    /// Cost Explorer was just enabled, and has no data yet.
    #[error(
        "Data is not available yet: Cost Explorer was enabled a short while ago; ask again tomorrow or for another period"
    )]
    DataUnavailable,
    /// Too many calls, or too many keys in one call.
    #[error("{0}")]
    LimitExceeded(String),
    /// The bill changed since the page token was given out.
    #[error("The report this page belongs to expired because its bill changed; start again from the first page")]
    BillExpiration,
    /// The page token is none of ours.
    #[error("The page token is not valid")]
    InvalidNextToken,
    /// The page token belongs to a request with other parameters.
    #[error("The request's parameters differ from those of the request that gave out the page token")]
    RequestChanged,
    /// A backfill while another one is under way.
    #[error("A request to backfill is already in progress")]
    BackfillLimitExceeded,
    /// The operation is not part of Cost Explorer, or not of this local one.
    #[error("The local cloud's Cost Explorer has no operation {0}")]
    UnknownOperation(String),
}

impl Fault {
    /// A `ValidationException` with this message.
    pub fn validation(message: impl Into<String>) -> Fault {
        Fault::Validation(message.into())
    }

    /// The name of the exception, as SDKs match it.
    pub fn code(&self) -> &'static str {
        match self {
            Fault::Validation(_) => "ValidationException",
            Fault::AccessDenied(_) => "AccessDeniedException",
            Fault::DataUnavailable => "DataUnavailableException",
            Fault::LimitExceeded(_) => "LimitExceededException",
            Fault::BillExpiration => "BillExpirationException",
            Fault::InvalidNextToken => "InvalidNextTokenException",
            Fault::RequestChanged => "RequestChangedException",
            Fault::BackfillLimitExceeded => "BackfillLimitExceededException",
            Fault::UnknownOperation(_) => "UnknownOperationException",
        }
    }
}
