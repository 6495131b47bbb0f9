//! What a tenant reads is what the API answers: for generated ledgers, every table of the page digit for digit.

use std::collections::BTreeMap;

use billing::Month;
use billing::costs::query::asked_period;
use billing::costs::{self, CostAnswer};
use billing::invoice::InvoiceState;
use billing::ledger::{CostDay, SyncMark};
use billing::names::NO_PROJECT;
use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::world::{self, Case, World, amount, html};
use crate::pages::locale::Locale;

/// A row of a table: its name, and its figures as machines read them.
fn rows(page: &str, id: &str) -> Vec<(String, Vec<Option<String>>)> {
    let Some((_, rest)) = page.split_once(&format!("id=\"{id}\"")) else { return Vec::new() };
    let (table, _) = rest.split_once("</table>").expect("the table's end");
    let row = |row: &str| {
        let name = row.split_once("scope=\"row\">")?.1.split(['<']).next()?.to_owned();
        let cell = |cell: &str| {
            cell.split_once("<data value=\"").map(|(_, rest)| rest.split('"').next().unwrap_or_default().to_owned())
        };
        Some((name, row.split("<td").skip(1).map(cell).collect()))
    };
    table.split("<tr>").filter_map(row).collect()
}

/// E1's answer as its text has it: digits, no floats.
fn answered(world: &World, period: &str) -> CostAnswer {
    let asked = asked_period(Some(period), None, None, world.today).expect("a period");
    costs::answer("x", &asked, &world.days, &world.marks)
}

fn text(number: impl serde::Serialize) -> String {
    serde_json::to_string(&number).expect("JSON")
}

/// A file's rows by breakdown and name: the cost's digits. Names of this test hold no comma and no quote.
fn filed(answer: &CostAnswer) -> BTreeMap<(String, String), String> {
    let file = billing::statement::costs_file(answer);
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_end().split(',').collect();
        ((cells[0].to_owned(), cells[1].to_owned()), cells[2].to_owned())
    };
    file.lines().skip(1).filter(|line| !line.trim().is_empty()).map(row).collect()
}

/// The file says what E1 answers, no more and no less.
fn check_file(answer: &CostAnswer) {
    let summary = &answer.summary;
    let key = |breakdown: &str, name: &str| (breakdown.to_owned(), name.to_owned());
    let mut expected = BTreeMap::from([(key("total", ""), text(summary.total_cost))]);
    expected.extend(summary.by_service.iter().map(|(name, amount)| (key("service", name), text(amount.cost))));
    expected.extend(summary.by_project.iter().map(|(name, amount)| (key("project", name), text(amount.cost))));
    let days = summary.daily_breakdown.iter();
    expected.extend(days.map(|day| (key("day", &day.date.to_string()), text(day.cost))));
    assert_eq!(filed(answer), expected, "the file");
}

fn check(world: &World, page: &str) {
    let (now, was) = (answered(world, "current-month"), answered(world, "last-month"));
    check_file(&now);
    check_file(&was);
    let zero = || "0.00".to_owned();
    for (id, of_now, of_was) in [
        ("by-service", &now.summary.by_service, &was.summary.by_service),
        ("by-project", &now.summary.by_project, &was.summary.by_project),
    ] {
        let shown = rows(page, id);
        let total = |of: &BTreeMap<String, costs::ShownAmount>, answer: &CostAnswer| {
            if of.is_empty() { zero() } else { text(answer.summary.total_cost) }
        };
        let Some(((_, sums), parts)) = shown.split_last() else {
            assert!(of_now.is_empty() && of_was.is_empty(), "#{id} is not there");
            continue;
        };
        let sums: Vec<String> = sums.iter().flatten().cloned().collect();
        assert_eq!(sums, [total(of_now, &now), total(of_was, &was)], "#{id}: the total");
        let mut expected = BTreeMap::new();
        for name in of_now.keys().chain(of_was.keys()) {
            let cost =
                |of: &BTreeMap<String, costs::ShownAmount>| of.get(name).map_or_else(zero, |amount| text(amount.cost));
            let shown = if name == NO_PROJECT { "Without a project" } else { name };
            expected.insert(shown.to_owned(), vec![cost(of_now), cost(of_was)]);
        }
        let read: BTreeMap<String, Vec<String>> =
            parts.iter().map(|(name, costs)| (name.clone(), costs.iter().flatten().cloned().collect())).collect();
        assert_eq!(read, expected, "#{id}");
        // What is read adds up to what is read.
        for column in 0..2 {
            let sum: Decimal = read.values().map(|costs| costs[column].parse::<Decimal>().expect("a number")).sum();
            assert_eq!(sum, sums[column].parse::<Decimal>().expect("a number"), "#{id} adds up");
        }
    }
    days(page, &now, &was);
    let figure =
        page.split("class=\"big\"><data value=\"").nth(1).map(|rest| rest.split('"').next().unwrap_or_default());
    if !now.summary.daily_breakdown.is_empty() {
        assert_eq!(figure, Some(text(now.summary.total_cost).as_str()));
    }
    if let Some(forecast) = &now.forecast {
        assert!(page.contains(&format!("<data value=\"{}\"", text(forecast.amount))), "the forecast");
    }
}

fn days(page: &str, now: &CostAnswer, was: &CostAnswer) {
    let shown = rows(page, "by-day");
    for (column, answer) in [now, was].into_iter().enumerate() {
        let read: Vec<(i8, String)> = shown
            .iter()
            .filter_map(|(day, costs)| Some((day.parse().expect("a day"), costs[column].clone()?)))
            .collect();
        let expected: Vec<(i8, String)> =
            answer.summary.daily_breakdown.iter().map(|day| (day.date.day(), text(day.cost))).collect();
        assert_eq!(read, expected, "#by-day");
    }
}

const SERVICES: [&str; 6] = ["AWS Lambda", "Amazon S3", "Amazon EC2", "Tax", "Refund", "x"];

prop_compose! {
    fn ledgers()(
        today in 1_i64..61,
        lag in 0_i64..4,
        costs in prop::collection::vec((0_i64..61, 0_usize..6, 0_usize..3, -9_999_999_i64..99_999_999), 0..80),
    ) -> World {
        let first = date(2026, 10, 1);
        let on = |days: i64| first.checked_add(days.days()).expect("a day");
        let today = on(today);
        let mut days: BTreeMap<Date, CostDay> = BTreeMap::new();
        for (at, service, project, millis) in costs {
            let day = days.entry(on(at)).or_insert_with(|| CostDay::nothing(on(at), Timestamp::UNIX_EPOCH));
            day.services.insert(SERVICES[service].to_owned(), amount(millis));
            if project > 0 {
                day.projects.insert(format!("project-{project}"), amount(millis / 2));
            }
        }
        let through = today.checked_sub(lag.days()).expect("a day");
        let months = [date(2026, 9, 1), first, date(2026, 11, 1)].map(Month::of);
        let mark = |month: Month| SyncMark {
            month,
            through: month.period().last_day().min(through),
            estimated: false,
            complete: true,
            synced_at: Timestamp::UNIX_EPOCH,
        };
        let begun = |month: &Month| month.period().start() <= through;
        let marks = months.into_iter().filter(begun).map(mark).collect();
        World { today, days: days.into_values().collect(), marks, ..World::of(Case::FirstDay) }
    }
}

/// The ledger's months that are over, each with its invoice; what comes to nothing or less is no document.
fn invoiced(world: World, paid: i64) -> World {
    let over = |month: &Month| month.period().end() <= world.today;
    let months = [date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)].map(Month::of).into_iter().filter(over);
    let invoices = months.map(|month| {
        let mut invoice = world::invoice(&world.tenant, &world.days, month, InvoiceState::Open, "2026-11-16T08:00:00Z");
        invoice.payment.paid = paid;
        if invoice.invoice.total.amount <= Decimal::ZERO {
            invoice.state = InvoiceState::NothingDue;
        }
        invoice
    });
    World { invoices: invoices.collect(), ..world }
}

/// The cells of a page's table of invoices, of the file, and of the ledger: month and total.
fn check_invoices(world: &World) {
    let shown = billing::statement::invoices(&world.invoices, world.today);
    let file = billing::statement::invoices_file(&shown);
    let filed: Vec<Vec<&str>> = file.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let listed = rows(&html(world, "en-US"), "invoices");
    assert_eq!((listed.len(), filed.len()), (world.invoices.len(), world.invoices.len()), "#invoices");
    for ((month, cells), file) in listed.iter().zip(&filed) {
        let record = world.invoices.iter().find(|record| record.month().to_string() == file[0]).expect("the month");
        assert_eq!(month, &Locale::of("en-US").month(record.month()));
        let total = record.invoice.total.amount;
        let read = cells[0].as_deref().map(|value| value.parse::<Decimal>().expect("a number"));
        assert_eq!((read, file[2].parse::<Decimal>().ok()), (Some(total), Some(total)), "{month}");
    }
}

/// The page of an invoice adds up: its steps and its lines come to its total.
fn check_invoice(world: &World) {
    let Some(record) = world.invoices.last() else { return };
    let page = world::invoice_html(world, "en-US");
    let number = |cell: &Option<String>| cell.as_deref().map(|value| value.parse::<Decimal>().expect("a number"));
    for (id, column) in [("steps", 0), ("lines", 0)] {
        let shown = rows(&page, id);
        let ((_, foot), parts) = shown.split_last().expect("a total");
        let total = foot.iter().rev().find_map(number);
        assert_eq!(total, Some(record.invoice.total.amount), "#{id}");
        let sum: Decimal = parts.iter().filter_map(|(_, cells)| number(&cells[column])).sum();
        assert_eq!(Some(sum), total, "#{id} adds up");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn invoices_are_the_same_on_page_and_file_and_add_up(world in ledgers(), paid in 0_i64..10_000) {
        let world = invoiced(world, paid);
        check_invoices(&world);
        check_invoice(&world);
    }

    #[test]
    fn page_table_file_and_api_say_the_same(world in ledgers()) {
        check(&world, &html(&world, "en-US"));
    }
}

/// The check bites: a page of another ledger is not this one's.
#[test]
#[should_panic(expected = "#by-service")]
fn a_page_of_another_ledger_is_seen() {
    let mut other = World::of(Case::Normal);
    other.days[40].services.insert("AWS Lambda".to_owned(), amount(9_999));
    check(&World::of(Case::Normal), &html(&other, "en-US"));
}

#[test]
fn a_table_is_read_as_it_is_written() {
    let shown = rows(&html(&World::of(Case::Normal), "en-US"), "by-service");
    let names: Vec<&str> = shown.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Amazon CloudFront", "AWS Lambda", "Amazon Simple Storage Service", "Total"]);
}
