//! The terms and the exchange rate that hold for one tenant's month.

use serde::{Deserialize, Serialize};

use super::PriceError;
use crate::Month;
use crate::pricing::{ExchangeRate, Terms};
use crate::tenant::TenantRecord;

/// What a month is priced under. The claim stores it: an edit of the manifest never reprices a month that was claimed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthTerms {
    /// The tenant's terms.
    pub terms: Terms,
    /// How US dollars become the tenant's currency; none when that is USD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<ExchangeRate>,
}

impl MonthTerms {
    /// The tenant's terms and rate for a month, by their dates.
    ///
    /// # Errors
    /// When no terms hold for the month, or no stated rate is of a day near its end.
    pub fn of(tenant: &TenantRecord, month: Month) -> Result<MonthTerms, PriceError> {
        let terms = tenant.terms_for(month).cloned();
        let terms = terms.ok_or_else(|| PriceError::NoTerms { tenant: tenant.id.clone(), month })?;
        let exchange = match tenant.rate_for(month) {
            Ok(exchange) => exchange.cloned(),
            // Where none is stated at all, what cannot be converted is named when the month is priced.
            Err(_) if tenant.rates.iter().all(|held| held.rate.to != tenant.currency) => None,
            Err(too_far) => return Err(too_far.into()),
        };
        Ok(MonthTerms { terms, exchange })
    }
}
