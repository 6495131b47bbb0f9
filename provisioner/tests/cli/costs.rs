//! `costs`: what it prints, at 80 and 160 columns, and what the program answers.

use std::fmt::Write as _;

use cur::{Basis, Bytes, Dimension, Query, Reading, Report};
use provisioner::ui::views::{costs, costs_compare, costs_describe};

use crate::golden::golden;
use crate::program::Program;

const HEADER: &str = "bill/InvoiceId,bill/BillingPeriodStartDate,lineItem/UsageAccountId,lineItem/LineItemType,lineItem/UsageStartDate,\
    lineItem/ProductCode,lineItem/UsageAmount,lineItem/CurrencyCode,lineItem/UnblendedCost,resourceTags/user:tenant,resourceTags/user:project\n";

/// A month of 14 tenants, some of it untagged, some not invoiced; `more` is what a restatement adds to one row.
fn text(more: u64) -> String {
    let mut text = HEADER.to_owned();
    let services = ["AmazonEC2", "AmazonS3", "AmazonRDS", "AWSLambda", "AmazonCloudWatch"];
    for row in 0..600_u64 {
        let tenant = (row * row / 7) % 15;
        let tenant = if tenant == 3 { String::new() } else { format!("customer-{tenant:02}") };
        let cost = 1_000_000_u64 + (row * 7_919) % 90_000_000 * (15 - row % 15) + if row == 77 { more } else { 0 };
        let (kind, sign) = if row.is_multiple_of(41) { ("Credit", "-") } else { ("Usage", "") };
        let invoice = if row.is_multiple_of(13) { "" } else { "1234567890" };
        let (day, service) = (row % 31 + 1, services[(row / 3 % 5) as usize]);
        let project = ["web", "api", ""][(row % 3) as usize];
        let _ = writeln!(
            text,
            "{invoice},2026-01-01T00:00:00Z,{},{kind},2026-01-{day:02}T00:00:00Z,{service},{}.5,USD,{sign}{}.{:06}0001,{tenant},{project}",
            100_000_000_000 + row % 3,
            row % 10,
            cost / 1_000_000,
            cost % 1_000_000,
        );
    }
    text
}

fn report(text: &str, by: &[&str]) -> Report {
    let by = by.iter().map(|name| name.parse::<Dimension>().expect("a dimension")).collect();
    let query = Query { basis: Basis::Unblended, ..Query::new(by) };
    cur::report(&[&Bytes::new("report.csv", text)], &query, &Reading::default())
        .unwrap_or_else(|problem| panic!("{problem}"))
}

#[test]
fn the_table_is_as_its_files_say() {
    let text = text(0);
    golden("costs-report", |width| costs::table(&report(&text, &["tenant", "service"]), 3, 5, width));
    golden("costs-days", |width| costs::table(&report(&text, &["day"]), 1, 0, width));
    golden("costs-many", |width| {
        costs::table(&report(&text, &["project", "tenant", "account", "line-type", "invoice"]), 1, 3, width)
    });
    golden("costs-total", |width| costs::table(&report(&text, &[]), 1, 10, width));
}

#[test]
fn the_comparison_is_as_its_files_say() {
    let by = ["tenant", "service", "day"];
    let (old, new) = (
        report(&text(0), &by),
        report(&(text(1_234_567) + &text(0).lines().last().expect("a line").replace("Usage", "Refund")), &by),
    );
    golden("costs-compare", |width| costs_compare::table(&old, &new, 10, width));
    golden("costs-compare-same", |width| costs_compare::table(&old, &old, 10, width));
}

#[test]
fn the_description_is_as_its_files_say() {
    let described =
        cur::describe(&[&Bytes::new("january/report-00001.csv", text(0))], &Reading::default()).expect("described");
    golden("costs-describe", |width| costs_describe::render(&described, width));
}

#[test]
fn csv_and_json_have_every_group_with_every_digit() {
    let program = Program::new();
    program.write("report.csv", text(0));
    let ran = program.run(&["costs", "report", "report.csv", "--by", "service,tenant", "--format", "csv"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    let report = report(&text(0), &["service", "tenant"]);
    let mut lines = ran.stdout.lines();
    assert_eq!(lines.next(), Some("service,tenant,cost,usage"));
    for group in &report.groups {
        let line = format!("{},{},{},{}", group.values[0], group.values[1], group.sums.cost, group.sums.usage);
        assert_eq!(lines.next(), Some(line.as_str()));
    }
    assert_eq!(lines.next(), None);
    let ran = program.run(&["costs", "report", "report.csv", "--by", "service,tenant", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(json["total"]["cost"], report.total.cost.to_string());
    assert_eq!(json["groups"].as_array().map(Vec::len), Some(report.groups.len()));
    assert_eq!(json["conserved"], true);
    assert_eq!(json["months"][0]["final"], false);
}

#[test]
fn parquet_is_what_the_reader_makes_of_the_groups() {
    let program = Program::new();
    program.write("report.csv", text(0));
    let bytes = program.bytes(&["costs", "report", "report.csv", "--by", "service,tenant", "--format", "parquet"]);
    assert_eq!(bytes, cur::parquet(&report(&text(0), &["service", "tenant"])).expect("written"));
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
}

#[test]
fn a_manifest_or_a_folder_names_the_files() {
    let program = Program::new();
    let manifest = |version: &str| {
        format!(
            r#"{{"assemblyId":"{version}","bucket":"b","reportName":"r","billingPeriod":{{"start":"20260101T000000.000Z"}},"reportKeys":["prefix/r/20260101-20260201/{version}/r-1.csv"]}}"#
        )
    };
    let folder = "copy/r/20260101-20260201";
    for version in ["old", "new"] {
        let more = if version == "new" { 5 } else { 0 };
        program.write(&format!("{folder}/{version}/r-1.csv"), text(more));
        program.write(&format!("{folder}/{version}/r-Manifest.json"), manifest(version));
    }
    let total = |arguments: &[&str]| {
        let ran = program.run(&[&["costs", "report", "--by", "currency", "--format", "csv"], arguments].concat());
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{arguments:?}");
        ran.stdout.lines().nth(1).expect("a line").to_owned()
    };
    // Two versions lie side by side, and nothing says which counts.
    let ran = program.run(&["costs", "report", "copy"]);
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("are two versions of one month"), "{}", ran.stderr);
    let old = total(&[&format!("{folder}/old/r-Manifest.json")]);
    let new = total(&[&format!("{folder}/new")]);
    assert_ne!(old, new);
    // AWS writes the newest version's manifest above both.
    program.write(&format!("{folder}/r-Manifest.json"), manifest("new"));
    assert_eq!(total(&["copy"]), new);
    let ran = program.run(&[
        "costs",
        "report",
        "--compare",
        &format!("{folder}/old"),
        &format!("{folder}/new"),
        "--format",
        "json",
    ]);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((json["cost_change"].as_str(), json["changes"].as_array().map(Vec::len)), (Some("0.000005"), Some(1)));
}

#[test]
fn what_cannot_be_answered_says_why() {
    let program = Program::new();
    program.write("report.csv", text(0));
    program.write("empty/readme.txt", "");
    let cases: [(&[&str], &str); 8] = [
        (&["report", "none.csv"], "none.csv cannot be read: No such file"),
        (&["report", "empty"], "empty has no cost report in it"),
        (
            &["report", "report.csv", "--tenant-tag", "Customer"],
            "no file has a column for tag `Customer`; of tags there are project, tenant",
        ),
        (&["report", "report.csv", "--by", "tenant,tenant"], "--by names `tenant` twice"),
        (
            &["report", "report.csv", "--from", "2026-02-01", "--to", "2026-01-01"],
            "--from 2026-02-01 is after --to 2026-01-01",
        ),
        (&["report", "report.csv", "--format", "markdown"], "this command writes human, json, csv"),
        (&["report", "s3:///report.csv"], "`s3:///report.csv` names no bucket"),
        (
            &["report", "--compare", "report.csv", "report.csv", "--format", "parquet"],
            "a comparison is not written as Parquet",
        ),
    ];
    for (arguments, expected) in cases {
        let ran = program.run(&[&["costs"], arguments].concat());
        assert_eq!(ran.status, 1, "{arguments:?}");
        let told = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(expected), "{arguments:?}: {told}");
    }
}
