//! What can happen, each thing by itself: an event whose cause was dropped does nothing.

use jiff::civil::Date;
use oracle::exact::Exact;
use oracle::facts::{RecordType, TenantId, Terms};
use oracle::month::Month;

use super::cash::Cash;

/// Something that happens on a day, before that day's runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The day, in UTC.
    pub on: Date,
    /// What happens.
    pub deed: Deed,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A company becomes a tenant.
    Join(Company),
    /// A tenant's last month is set. The company that is there when the id comes back has the next life.
    Leave {
        /// The tenant.
        tenant: TenantId,
        /// The last month it is billed.
        last_period: Month,
    },
    /// The terms are edited.
    SetTerms {
        /// The tenant.
        tenant: TenantId,
        /// The month they hold from; an edit without a date holds from the month of the edit.
        from: Option<Month>,
        /// The new terms.
        terms: Terms,
    },
    /// The tenant tag gets another value from a day on.
    Rename {
        /// The tenant.
        tenant: TenantId,
        /// The first day of the new value.
        from: Date,
        /// The new value.
        value: String,
    },
    /// A rate is stated.
    StateRate {
        /// The currency.
        currency: String,
        /// The day the rate is of.
        date: Date,
        /// Units for one dollar.
        per_dollar: Exact,
    },
    /// Something begins to cost money, every day for a while.
    Run(Workload),
    /// AWS gives some days of a tag value another figure: all its rows of these days are multiplied.
    Restate {
        /// The tag value.
        value: String,
        /// The first day.
        from: Date,
        /// The last day.
        until: Date,
        /// The factor in percent.
        percent: i32,
    },
    /// A tag is mended: cost of some days moves from one value to another. An empty value is none.
    Mend {
        /// The wrong value.
        was: String,
        /// The right one.
        is: String,
        /// The first day.
        from: Date,
        /// The last day.
        until: Date,
    },
    /// Something goes wrong, or somebody does something, that is no fact about cost or terms.
    Trouble(Trouble),
}

/// A company that joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// Its id.
    pub tenant: TenantId,
    /// The first month it is billed.
    pub first_period: Month,
    /// Its currency.
    pub currency: String,
    /// The value of the tenant tag: `T000`; or of two tags: `G000/e1`. The values of other events are written so, too.
    pub value: String,
    /// What it pays.
    pub terms: Terms,
}

/// Something that costs money every day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// The tag value of its rows; none is untagged.
    pub value: String,
    /// AWS's service.
    pub service: String,
    /// The record type of its rows; credits and refunds are below zero.
    pub record: RecordType,
    /// The first day.
    pub from: Date,
    /// How many days it runs.
    pub days: u32,
    /// What a day costs at most, in ten-thousandths of a dollar.
    pub most: u32,
    /// Days after which AWS shows a day.
    pub lag: u32,
    /// Days that a figure stays an estimate once it is shown; none for final at once.
    pub estimated: u32,
    /// What its figures are drawn from, so that they stay the same whatever else is dropped.
    pub seed: u64,
}

/// What goes wrong with runs and invoices. `day` is the event's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No run happens for so many days, this one included.
    Outage {
        /// How many.
        days: u32,
    },
    /// The run is killed at its nth call of a port.
    Kill {
        /// Counted from 1.
        call: u32,
    },
    /// The nth call of a port works, and its answer is lost.
    LoseAnswer {
        /// Counted from 1.
        call: u32,
    },
    /// Two runs at once, interleaved by the seed.
    TwoAtOnce {
        /// What interleaves them.
        seed: u64,
    },
    /// Events of the day arrive twice and out of order.
    RepeatEvents {
        /// What orders them.
        seed: u64,
    },
    /// A person changes the newest draft.
    EditDraft(TenantId),
    /// A person deletes the newest draft.
    DeleteDraft(TenantId),
    /// A person voids the newest open invoice.
    VoidInvoice(TenantId),
    /// A person marks the newest open invoice as paid.
    PayByHand(TenantId),
    /// The newest open invoice is paid by card.
    Pay(TenantId),
    /// A person gives the newest open invoice up as uncollectible.
    GiveUp(TenantId),
    /// Something happens to a tenant's money.
    Money {
        /// The tenant.
        tenant: TenantId,
        /// What.
        cash: Cash,
    },
    /// The secret that Stripe signs its events with is rotated; two hold for some days.
    Rotate,
}
