//! The types of events that the local Stripe emits. Each is one of Stripe's published types, and each has a row in
//! `provenance.toml`: tests check both.

/// A published type of event; only this file makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventType(&'static str);

impl EventType {
    /// As Stripe writes it, `invoice.paid`.
    pub(crate) fn name(self) -> &'static str {
        self.0
    }
}

macro_rules! catalogue {
    ($($constant:ident = $name:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`")]
            pub(crate) const $constant: EventType = EventType($name);
        )*

        /// Every type there is here.
        #[cfg(test)]
        pub(crate) const ALL: &[EventType] = &[$($constant),*];
    };
}

catalogue! {
    CUSTOMER_CREATED = "customer.created";
    CUSTOMER_UPDATED = "customer.updated";
    CUSTOMER_DELETED = "customer.deleted";
    PRODUCT_CREATED = "product.created";
    PRODUCT_UPDATED = "product.updated";
    PRODUCT_DELETED = "product.deleted";
    PRICE_CREATED = "price.created";
    PRICE_UPDATED = "price.updated";
    INVOICE_ITEM_CREATED = "invoiceitem.created";
    INVOICE_ITEM_DELETED = "invoiceitem.deleted";
    INVOICE_CREATED = "invoice.created";
    INVOICE_UPDATED = "invoice.updated";
    INVOICE_DELETED = "invoice.deleted";
    INVOICE_FINALIZED = "invoice.finalized";
    INVOICE_FINALIZATION_FAILED = "invoice.finalization_failed";
    INVOICE_SENT = "invoice.sent";
    INVOICE_PAID = "invoice.paid";
    INVOICE_PAYMENT_SUCCEEDED = "invoice.payment_succeeded";
    INVOICE_PAYMENT_FAILED = "invoice.payment_failed";
    INVOICE_VOIDED = "invoice.voided";
    INVOICE_MARKED_UNCOLLECTIBLE = "invoice.marked_uncollectible";
    INVOICE_OVERDUE = "invoice.overdue";
    INVOICE_PAYMENT_ACTION_REQUIRED = "invoice.payment_action_required";
    INVOICE_OVERPAID = "invoice.overpaid";
    INVOICE_PAYMENT_PAID = "invoice_payment.paid";
    PAYMENT_INTENT_CREATED = "payment_intent.created";
    PAYMENT_INTENT_PROCESSING = "payment_intent.processing";
    PAYMENT_INTENT_REQUIRES_ACTION = "payment_intent.requires_action";
    PAYMENT_INTENT_AMOUNT_CAPTURABLE_UPDATED = "payment_intent.amount_capturable_updated";
    PAYMENT_INTENT_SUCCEEDED = "payment_intent.succeeded";
    PAYMENT_INTENT_PAYMENT_FAILED = "payment_intent.payment_failed";
    PAYMENT_INTENT_CANCELED = "payment_intent.canceled";
    CHARGE_PENDING = "charge.pending";
    CHARGE_SUCCEEDED = "charge.succeeded";
    CHARGE_FAILED = "charge.failed";
    CHARGE_CAPTURED = "charge.captured";
    CHARGE_UPDATED = "charge.updated";
    CHARGE_REFUND_UPDATED = "charge.refund.updated";
    CHARGE_REFUNDED = "charge.refunded";
    CHARGE_DISPUTE_CREATED = "charge.dispute.created";
    CHARGE_DISPUTE_UPDATED = "charge.dispute.updated";
    CHARGE_DISPUTE_CLOSED = "charge.dispute.closed";
    CHARGE_DISPUTE_FUNDS_WITHDRAWN = "charge.dispute.funds_withdrawn";
    CHARGE_DISPUTE_FUNDS_REINSTATED = "charge.dispute.funds_reinstated";
    REFUND_CREATED = "refund.created";
    REFUND_UPDATED = "refund.updated";
    REFUND_FAILED = "refund.failed";
    PAYMENT_METHOD_ATTACHED = "payment_method.attached";
    PAYMENT_METHOD_DETACHED = "payment_method.detached";
    PAYMENT_METHOD_UPDATED = "payment_method.updated";
    SETUP_INTENT_CREATED = "setup_intent.created";
    SETUP_INTENT_REQUIRES_ACTION = "setup_intent.requires_action";
    SETUP_INTENT_SUCCEEDED = "setup_intent.succeeded";
    SETUP_INTENT_SETUP_FAILED = "setup_intent.setup_failed";
    SETUP_INTENT_CANCELED = "setup_intent.canceled";
    CHECKOUT_SESSION_COMPLETED = "checkout.session.completed";
    CHECKOUT_SESSION_ASYNC_PAYMENT_SUCCEEDED = "checkout.session.async_payment_succeeded";
    CHECKOUT_SESSION_ASYNC_PAYMENT_FAILED = "checkout.session.async_payment_failed";
    CHECKOUT_SESSION_EXPIRED = "checkout.session.expired";
    PORTAL_CONFIGURATION_CREATED = "billing_portal.configuration.created";
    PORTAL_CONFIGURATION_UPDATED = "billing_portal.configuration.updated";
    PORTAL_SESSION_CREATED = "billing_portal.session.created";
    MANDATE_UPDATED = "mandate.updated";
    CREDIT_NOTE_CREATED = "credit_note.created";
    CREDIT_NOTE_UPDATED = "credit_note.updated";
    CREDIT_NOTE_VOIDED = "credit_note.voided";
    TEST_CLOCK_CREATED = "test_helpers.test_clock.created";
    TEST_CLOCK_ADVANCING = "test_helpers.test_clock.advancing";
    TEST_CLOCK_READY = "test_helpers.test_clock.ready";
    TEST_CLOCK_DELETED = "test_helpers.test_clock.deleted";
}
