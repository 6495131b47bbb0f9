//! How an invoice is paid: methods, intents, charges, what a bank answers later, and what is given back.

pub(crate) mod attempt;
pub(crate) mod charge;
pub(crate) mod dispute;
pub(crate) mod intent;
pub(crate) mod invoice_payment;
pub(crate) mod mandate;
pub(crate) mod method;
pub(crate) mod page;
pub(crate) mod refund;
pub(crate) mod setup_intent;
pub(crate) mod test_method;
