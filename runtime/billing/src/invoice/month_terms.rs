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
    /// When no terms hold for the month.
    pub fn of(tenant: &TenantRecord, month: Month) -> Result<MonthTerms, PriceError> {
        let terms = tenant.terms_for(month).cloned();
        let terms = terms.ok_or_else(|| PriceError::NoTerms { tenant: tenant.id.clone(), month })?;
        Ok(MonthTerms { terms, exchange: tenant.exchange.clone() })
    }
}
