//! The ports on AWS and Stripe. Each file translates between the domain and one SDK; nothing is decided here.

mod aws;
mod cost_explorer;
mod dynamodb;
mod secrets;
mod stripe;

use jiff::Timestamp;

pub use aws::Aws;
pub use cost_explorer::{CostExplorer, CostQuery};
pub use dynamodb::DynamoLedger;
pub use secrets::SecretsManager;
pub use stripe::StripeInvoices;

use crate::ports::Clock;

/// The computer's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
