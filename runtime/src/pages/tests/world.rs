//! Tenants as the pages meet them, and each page of each of them.

use std::collections::BTreeMap;

use billing::brand::Brand;
use billing::invoice::{
    Collection, Composed, InvoiceRecord, InvoiceState, MonthTerms, PaymentStatus, PriceInput, price,
};
use billing::ledger::{CostAmount, CostDay, Pause, PaymentMethod, PaymentSetup, SyncMark, cost_by_service};
use billing::statement::{self, Standing, StatementFacts};
use billing::tenant::TenantRecord;
use billing::{Money, Month, Period};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use rust_decimal::Decimal;
use serde_json::json;

use crate::pages::assets::Assets;
use crate::pages::locale::Locale;
use crate::pages::{self, ErrorPage, InvoicePage, Look, Message, PortalPage};

/// Which state a tenant is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// Nothing was ever synced.
    FirstDay,
    /// The first of a month: last month is known.
    NewMonth,
    /// Costs, paid invoices, a card.
    Normal,
    /// The same, and paused for new work.
    Paused,
    /// An invoice nobody paid, no card, more spent than meant.
    Overdue,
}

pub(super) const CASES: [Case; 5] = [Case::FirstDay, Case::NewMonth, Case::Normal, Case::Paused, Case::Overdue];

pub(super) const STANDINGS: [Standing; 12] = [
    Standing::Preparing,
    Standing::Open,
    Standing::Overdue,
    Standing::Processing,
    Standing::Failed,
    Standing::NeedsConfirmation,
    Standing::Paid,
    Standing::Disputed,
    Standing::WrittenOff,
    Standing::Void,
    Standing::NothingDue,
    Standing::Credit,
];

/// One tenant and what the ledger holds of them.
#[derive(Debug)]
pub(super) struct World {
    pub(super) today: Date,
    pub(super) tenant: TenantRecord,
    pub(super) is_admin: bool,
    pub(super) days: Vec<CostDay>,
    pub(super) marks: Vec<SyncMark>,
    pub(super) invoices: Vec<InvoiceRecord>,
    pub(super) payment: Option<PaymentSetup>,
    pub(super) pause: Option<Pause>,
}

pub(super) fn amount(mills: i64) -> CostAmount {
    CostAmount { cost: Decimal::new(mills, 3), usage: Decimal::ONE }
}

fn tenant() -> TenantRecord {
    serde_json::from_value(json!({
        "id": "mmp-toledo", "name": "Minute Man Press Toledo", "email": "billing@example.com", "locale": "en-US",
        "currency": "USD", "tags": {}, "terms": [{"markup": "10%", "tax": "19%"}], "days_until_due": 30,
        "link_version": 1, "budget": "100.00 USD",
    }))
    .expect("a tenant")
}

/// A day that costs about four dollars, a little more every week.
fn day(on: Date, nth: i64) -> CostDay {
    let wave = 700 * (nth % 7) - 350 * (nth % 3);
    let services = [
        ("AWS Lambda", amount(640 + wave / 4 + 9 * nth)),
        ("Amazon Simple Storage Service", amount(1_450 + 3 * nth)),
        ("Amazon CloudFront", amount(1_270 + wave / 3)),
    ];
    let projects = [("mmp-toledo", amount(2_100 + wave / 4)), ("mmp-toledo-firespring", amount(1_000))];
    let named =
        |parts: &[(&str, CostAmount)]| parts.iter().map(|(name, amount)| ((*name).to_owned(), *amount)).collect();
    CostDay { services: named(&services), projects: named(&projects), ..CostDay::nothing(on, Timestamp::UNIX_EPOCH) }
}

fn mark(month: Month, through: Date) -> SyncMark {
    SyncMark { month, through, estimated: false, complete: true, synced_at: Timestamp::UNIX_EPOCH }
}

pub(super) fn invoice(
    tenant: &TenantRecord,
    days: &[CostDay],
    month: Month,
    state: InvoiceState,
    since: &str,
) -> InvoiceRecord {
    let services = cost_by_service(days.iter().filter(|day| month.period().contains(day.date)));
    let terms = MonthTerms::of(tenant, month).expect("terms");
    let input = PriceInput { tenant, month, terms: &terms, services: &services, shared: None };
    let composed = Composed { invoice: price(&input).expect("an invoice"), drawn: Vec::new() };
    InvoiceRecord {
        state,
        since: Some(since.parse().expect("a time")),
        stripe_invoice: Some("in_1".to_owned()),
        ..InvoiceRecord::claimed(tenant, terms, Collection::SendInvoice, composed)
    }
}

impl World {
    pub(super) fn of(case: Case) -> World {
        let today = if case == Case::NewMonth { date(2026, 11, 1) } else { date(2026, 11, 28) };
        let (last, this) = (Month::of(date(2026, 10, 1)), Month::of(date(2026, 11, 1)));
        let tenant = tenant();
        let first = World {
            today,
            tenant,
            is_admin: true,
            days: vec![],
            marks: vec![],
            invoices: vec![],
            payment: None,
            pause: None,
        };
        if case == Case::FirstDay {
            return first;
        }
        let known = Period::new(date(2026, 9, 1), today).expect("days");
        let days: Vec<CostDay> = (0..).zip(known.days()).map(|(nth, on)| day(on, nth)).collect();
        let yesterday = today.yesterday().expect("a day");
        let mut marks = vec![mark(last, date(2026, 10, 31))];
        if case != Case::NewMonth {
            marks.push(mark(this, yesterday));
        }
        let state = if case == Case::NewMonth { InvoiceState::Provisional } else { InvoiceState::Open };
        let mut october = invoice(&first.tenant, &days, last, state, "2026-11-16T08:00:00Z");
        let mut september = invoice(
            &first.tenant,
            &days,
            last.previous().expect("a month"),
            InvoiceState::Open,
            "2026-10-16T08:00:00Z",
        );
        if case != Case::Overdue {
            september.payment.status = PaymentStatus::Paid;
            october.payment.status = PaymentStatus::Paid;
        } else {
            october.payment.status = PaymentStatus::Failed;
        }
        let method = PaymentMethod { id: "pm_1".to_owned(), kind: "card".to_owned(), last4: Some("4242".to_owned()) };
        let payment = (case != Case::Overdue).then(|| PaymentSetup {
            customer: "cus_1".to_owned(),
            deleted: false,
            method: Some(method),
            setup_intent: None,
            mandate: None,
            at: Timestamp::UNIX_EPOCH,
            version: 1,
        });
        let budget: Option<Money> =
            Some(if case == Case::Overdue { "90.00 USD" } else { "250.00 USD" }.parse().expect("money"));
        let tenant = TenantRecord { budget, ..first.tenant.clone() };
        let since = "2026-11-25T08:00:00Z".parse().expect("a time");
        let pause =
            (case == Case::Paused).then(|| Pause::paused(None, Some("The budget <is> used up.".to_owned()), since));
        World { tenant, days, marks, invoices: vec![september, october], payment, pause, ..first }
    }

    pub(super) fn statement(&self) -> statement::Statement {
        let (days, marks) = (&self.days, &self.marks);
        statement::statement(&StatementFacts { today: self.today, days, marks, budget: self.tenant.budget })
    }
}

pub(super) fn brand() -> Brand {
    r#"{"name":"Client Billing","support_email":"billing@example.com"}"#.parse().expect("a brand")
}

fn with_look<T>(tag: &str, shown: impl FnOnce(Look) -> T) -> T {
    let (brand, assets) = (brand(), Assets::of(&brand()));
    shown(Look { brand: &brand, assets: &assets, locale: Locale::of(tag) })
}

/// The portal of a world.
pub(super) fn html(world: &World, tag: &str) -> String {
    told(world, tag, None)
}

fn told(world: &World, tag: &str, message: Option<Message>) -> String {
    let (statement, invoices) = (world.statement(), statement::invoices(&world.invoices, world.today));
    let page = PortalPage {
        tenant: &world.tenant,
        is_admin: world.is_admin,
        statement: &statement,
        invoices: &invoices,
        pause: world.pause.as_ref(),
        payment: world.payment.as_ref(),
        payment_is_known: true,
        can_pay: true,
        message,
    };
    with_look(tag, |look| pages::portal(look, &page).expect("a page"))
}

/// The page of the world's last invoice.
pub(super) fn invoice_html(world: &World, tag: &str) -> String {
    let record = world.invoices.last().expect("an invoice");
    let invoice = statement::ShownInvoice::of(record, world.today);
    let page =
        InvoicePage { tenant: &world.tenant, is_admin: world.is_admin, record, invoice: &invoice, can_pay: true };
    with_look(tag, |look| pages::invoice(look, &page).expect("a page"))
}

/// One page as it is sent.
pub(super) struct Page {
    pub(super) name: String,
    pub(super) html: String,
}

/// Every page, in both languages and every case.
pub(super) fn every_page() -> Vec<Page> {
    let mut pages = Vec::new();
    for tag in ["en-US", "de-DE"] {
        let mut add = |name: &str, html: String| pages.push(Page { name: format!("{name}.{}", &tag[..2]), html });
        for case in CASES {
            let world = World::of(case);
            add(&format!("portal.{case:?}"), html(&world, tag));
            if !world.invoices.is_empty() {
                add(&format!("invoice.{case:?}"), invoice_html(&world, tag));
            }
        }
        add("portal.CardAdded", told(&World::of(Case::Normal), tag, Some(Message::CardAdded)));
        let shown = |look: Look| {
            [
                ("signin", pages::signin(look, false)),
                ("signin.Out", pages::signin(look, true)),
                ("help", pages::help(look)),
                ("error", pages::error(look, ErrorPage::NotFound)),
            ]
        };
        for (name, html) in with_look(tag, shown) {
            add(name, html.expect("a page"));
        }
    }
    pages
}

/// A month's worth of services that a large tenant has.
pub(super) fn large() -> World {
    let mut world = World::of(Case::Normal);
    for day in &mut world.days {
        let more = (0..60).map(|at| (format!("Amazon Service With A Long Name {at}"), amount(137 + 11 * at)));
        day.services.extend(more.collect::<BTreeMap<_, _>>());
        day.projects.extend((0..20).map(|at| (format!("project-{at}"), amount(100))));
    }
    world
}
