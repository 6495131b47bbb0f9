//! The contract's bodies of `POST /payment`: all that they say of tenant, customer and amount is checked and not used.

use std::str::FromStr;

use billing::function::Role;
use billing::tenant::TenantRecord;
use billing::{Money, Month};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::http::Refusal;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Action {
    /// E2.
    SetupPaymentMethod,
    /// E3.
    CreateInvoice,
    /// E4.
    GetPaymentMethods,
    /// E5.
    CustomerPortal,
}

impl Action {
    /// Who may do it.
    pub(super) fn needs(self) -> Role {
        match self {
            Action::GetPaymentMethods => Role::Viewer,
            Action::SetupPaymentMethod | Action::CreateInvoice | Action::CustomerPortal => Role::Admin,
        }
    }
}

/// A body. The pages send the action alone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Body {
    pub(super) action: Action,
    client_id: Option<String>,
    /// For people; the tenant is told by `clientId`.
    #[serde(rename = "clientName")]
    _client_name: Option<String>,
    email: Option<String>,
    pub(super) portal_url: Option<String>,
    pub(super) return_url: Option<String>,
    billing_period: Option<String>,
    /// As it is written: a JSON number that went through a float is another one.
    amount: Option<Box<RawValue>>,
}

impl Body {
    /// Checks what it says of the tenant: their id, or their tag's value.
    ///
    /// # Errors
    /// 403 when it names somebody else.
    pub(super) fn check(&self, tenant: &TenantRecord, organization: &str) -> Result<(), Refusal> {
        let differs = |given: &Option<String>, known: &[&str]| {
            given.as_ref().is_some_and(|given| !known.iter().any(|known| known.eq_ignore_ascii_case(given.trim())))
        };
        if differs(&self.client_id, &[&tenant.id, organization]) {
            return Err(Refusal::new(403, "forbidden", "you are signed in for another client than clientId"));
        }
        if differs(&self.email, &[&tenant.email]) {
            return Err(Refusal::new(
                403,
                "forbidden",
                "you are signed in for another client than the one of this email",
            ));
        }
        Ok(())
    }

    /// The month asked for.
    ///
    /// # Errors
    /// 400 without one, or when it is not `YYYY-MM`.
    pub(super) fn billing_period(&self) -> Result<Month, Refusal> {
        let month = self.billing_period.as_deref().and_then(|text| text.parse().ok());
        month.ok_or_else(|| Refusal::new(400, "bad_period", "billingPeriod is to be a month, such as 2026-10"))
    }

    /// Checks the amount, which may stand as a number or a text.
    ///
    /// # Errors
    /// 400 when it is none, 409 when the invoice comes to another one.
    pub(super) fn check_amount(&self, total: &Money) -> Result<(), Refusal> {
        let Some(given) = &self.amount else { return Ok(()) };
        let text = given.get().trim_matches('"');
        if text == "null" {
            return Ok(());
        }
        let amount = Decimal::from_str(text);
        let amount = amount.map_err(|_| Refusal::new(400, "bad_amount", "amount is to be a number, such as 125.50"))?;
        match amount == total.amount {
            true => Ok(()),
            false => Err(Refusal::new(409, "amount_differs", format!("the invoice comes to {total}"))),
        }
    }
}
