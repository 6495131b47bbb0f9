//! Malformed reports and their errors, each with its file, place and column, compared with `tests/golden/malformed.txt`;
//! `BILLFORM_BLESS=1` writes it.
#![allow(
    clippy::disallowed_methods,
    reason = "the rule is the reader's: its tests and benchmarks have files and settings"
)]

mod generate;

use std::fmt::Write as _;
use std::sync::Arc;

use cur::{Basis, Bytes, Dimension, Query, Reading, Source};
use generate::Shape;
use generate::lines::Lines;
use generate::parquet::Writing;
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// A legacy report's header, with a tag, and a line of it.
const HEADER: &str = "bill/InvoiceId,bill/BillingPeriodStartDate,lineItem/UsageAccountId,lineItem/LineItemType,lineItem/UsageStartDate,lineItem/ProductCode,lineItem/UsageAmount,lineItem/CurrencyCode,lineItem/UnblendedCost,resourceTags/user:tenant";
const LINE: &str = "1,2026-01-01T00:00:00Z,123456789012,Usage,2026-01-05T03:00:00Z,AmazonEC2,1.5,USD,0.25,acme";

struct Case {
    name: &'static str,
    files: Vec<Bytes>,
    query: Query,
}

fn case(name: &'static str, files: Vec<Bytes>) -> Case {
    Case { name, files, query: Query::new(vec![Dimension::Tenant, Dimension::Service, Dimension::Day]) }
}

fn csv(name: &'static str, text: impl Into<Vec<u8>>) -> Case {
    case(name, vec![Bytes::new("report.csv", text)])
}

/// The header and three lines, in the second of which a cell is replaced.
fn cell(name: &'static str, column: &str, value: &str) -> Case {
    let place = HEADER.split(',').position(|header| header == column).expect("a column");
    let mut cells: Vec<&str> = LINE.split(',').collect();
    cells[place] = value;
    csv(name, format!("{HEADER}\n{LINE}\n{}\n{LINE}\n", cells.join(",")))
}

/// The report without a column.
fn without(name: &'static str, column: &str) -> Case {
    let place = HEADER.split(',').position(|header| header == column).expect("a column");
    let cut = |line: &str| {
        line.split(',').enumerate().filter(|(at, _)| *at != place).map(|(_, cell)| cell).collect::<Vec<_>>().join(",")
    };
    csv(name, format!("{}\n{}\n", cut(HEADER), cut(LINE)))
}

fn report(shape: Shape, writing: &Writing) -> Vec<u8> {
    generate::parquet::write(&Lines { rows: 600, tenants: 9, seed: 3 }, shape, writing, Vec::new())
}

fn parquet(name: &'static str, bytes: Vec<u8>) -> Case {
    let mut case = case(name, vec![Bytes::new("report.parquet", bytes)]);
    case.query.tenant_tag = "Tenant".to_owned();
    case
}

/// A report of two rows whose columns have these types; every value is given as its column's type takes it.
fn typed(name: &'static str, replaced: &str, with: &str, text: &str) -> Case {
    let columns = [
        ("line_item_usage_start_date", "optional int64 line_item_usage_start_date (TIMESTAMP_MILLIS);"),
        ("line_item_product_code", "optional binary line_item_product_code (UTF8);"),
        ("line_item_usage_amount", "optional double line_item_usage_amount;"),
        ("line_item_unblended_cost", "optional double line_item_unblended_cost;"),
        ("line_item_currency_code", "optional binary line_item_currency_code (UTF8);"),
        ("resource_tags_user_tenant", "optional binary resource_tags_user_tenant (UTF8);"),
    ];
    let fields: Vec<&str> = columns.iter().map(|(name, field)| if *name == replaced { with } else { field }).collect();
    let schema = Arc::new(parse_message_type(&format!("message report {{ {} }}", fields.join(" "))).expect("a schema"));
    let mut file =
        SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::default())).expect("a writer");
    let mut group = file.next_row_group().expect("a group");
    while let Some(mut column) = group.next_column().expect("a column") {
        let levels = Some(&[1_i16, 1][..]);
        match column.untyped() {
            ColumnWriter::ByteArrayColumnWriter(writer) => {
                // Only the column in question has the odd text; others never look at theirs twice.
                _ = writer.write_batch(&["USD".into(), text.into()], levels, None).expect("written");
            }
            ColumnWriter::DoubleColumnWriter(writer) => {
                let odd: f64 = text.parse().unwrap_or(0.5);
                _ = writer.write_batch(&[0.5, odd], levels, None).expect("written");
            }
            ColumnWriter::Int64ColumnWriter(writer) => _ = writer.write_batch(&[1, 2], levels, None).expect("written"),
            ColumnWriter::BoolColumnWriter(writer) => {
                _ = writer.write_batch(&[true, false], levels, None).expect("written")
            }
            ColumnWriter::Int32ColumnWriter(writer) => _ = writer.write_batch(&[1, 2], levels, None).expect("written"),
            _ => panic!("a type"),
        }
        column.close().expect("closed");
    }
    group.close().expect("closed");
    let bytes = file.into_inner().expect("closed");
    case(name, vec![Bytes::new("report.parquet", bytes)])
}

/// Overwrites what comes `back` bytes before the end.
fn damaged(mut bytes: Vec<u8>, back: usize, with: &[u8]) -> Vec<u8> {
    let at = bytes.len() - back;
    bytes[at..at + with.len()].copy_from_slice(with);
    bytes
}

fn of_csv() -> Vec<Case> {
    let good = format!("{HEADER}\n{LINE}\n");
    let packed = generate::csv::gzip(good.repeat(50).as_bytes());
    let mut broken = packed.clone();
    let at = broken.len() / 4;
    broken[at..at + 6].fill(0x55);
    vec![
        csv("empty file", ""),
        csv("byte order mark only", "\u{feff}"),
        csv("not a report", "a,b,c\n1,2,3\n"),
        csv("a web page", "<html><body>Access Denied</body></html>"),
        csv("line cut off", format!("{good}{}", &LINE[..40])),
        csv("extra field", format!("{good}{LINE},more\n")),
        csv("empty line between", format!("{good}\n{LINE}\n")),
        csv("quote never closed", format!("{good}\"{LINE}\n{LINE}\n")),
        csv("text behind a quote", format!("{good}{}\n", LINE.replace("Usage", "\"Usage\"x"))),
        csv("not UTF-8", [good.as_bytes(), &LINE.as_bytes()[..LINE.len() - 1], b"\xff\n"].concat()),
        csv("header not UTF-8", [&b"\xff"[..], good.as_bytes()].concat()),
        csv("column twice", format!("{HEADER},lineItem/UnblendedCost\n{LINE},1\n")),
        csv(
            "tag in two spellings",
            format!("{}\n{LINE},x\n", HEADER.replace("user:tenant", "user:Tenant") + ",resourceTags/user:TENANT")
                .replace("user:TENANT", "user:_tenant"),
        ),
        cell("cost is no number", "lineItem/UnblendedCost", "free"),
        cell("cost with a comma for a point", "lineItem/UnblendedCost", "\"0,25\""),
        cell("cost is NaN", "lineItem/UnblendedCost", "NaN"),
        cell("cost of 50 decimal places", "lineItem/UnblendedCost", &format!("0.{}1", "0".repeat(49))),
        cell("cost of 20 digits", "lineItem/UnblendedCost", "12345678901234567890"),
        cell("cost of 60 digits", "lineItem/UnblendedCost", &"9".repeat(60)),
        cell("usage is no number", "lineItem/UsageAmount", "1e"),
        cell("day is none", "lineItem/UsageStartDate", "2026-02-30T00:00:00Z"),
        cell("day is American", "lineItem/UsageStartDate", "01/05/2026"),
        cell("two currencies", "lineItem/CurrencyCode", "CNY"),
        without("no cost", "lineItem/UnblendedCost"),
        without("no usage", "lineItem/UsageAmount"),
        without("no service", "lineItem/ProductCode"),
        without("no day", "lineItem/UsageStartDate"),
        without("no tag", "resourceTags/user:tenant"),
        case("gzip cut off", vec![Bytes::new("report.csv.gz", &packed[..packed.len() / 3])]),
        case("gzip damaged", vec![Bytes::new("report.csv.gz", broken)]),
        case("zip without a report", vec![Bytes::new("report.zip", zip_of("readme.txt", "hello"))]),
        case("zip cut off", vec![Bytes::new("report.zip", generate::csv::zip(good.as_bytes())[..80].to_vec())]),
        csv(
            "map is no JSON",
            "line_item_unblended_cost,line_item_usage_amount,line_item_product_code,line_item_usage_start_date,resource_tags\n1,1,EC2,2026-01-01,\"{user_tenant:acme}\"\n",
        ),
        csv(
            "map has a tag twice",
            "line_item_unblended_cost,line_item_usage_amount,line_item_product_code,line_item_usage_start_date,resource_tags\n1,1,EC2,2026-01-01,\"{\"\"user_tenant\"\":\"\"a\"\",\"\"user_tenant\"\":\"\"b\"\"}\"\n",
        ),
    ]
}

fn zip_of(name: &str, text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    out.start_file(name, zip::write::SimpleFileOptions::default()).expect("begun");
    out.write_all(text.as_bytes()).expect("packed");
    out.finish().expect("packed").into_inner()
}

fn of_parquet() -> Vec<Case> {
    let plain = report(Shape::Legacy, &Writing { compression: Compression::UNCOMPRESSED, ..Writing::default() });
    let snappy = report(Shape::Legacy, &Writing { group_rows: 200, ..Writing::default() });
    let maps = report(Shape::Cur2, &Writing::default());
    let mut flipped = snappy.clone();
    // Within the second row group.
    let middle = flipped.len() / 2;
    flipped[middle..middle + 400].fill(0xee);
    let mut cases = vec![
        parquet("parquet cut off", snappy[..snappy.len() - 300].to_vec()),
        parquet("parquet of four bytes", b"PAR1".to_vec()),
        parquet("footer too long", damaged(plain.clone(), 8, &[0xff, 0xff, 0xff, 0x7f])),
        parquet("footer damaged", damaged(plain.clone(), 900, &[0xff; 200])),
        parquet("pages damaged", flipped),
        typed("cost is a flag", "line_item_unblended_cost", "optional boolean line_item_unblended_cost;", ""),
        typed(
            "cost is a nested column",
            "line_item_unblended_cost",
            "optional group line_item_unblended_cost { optional double amount; }",
            "",
        ),
        typed(
            "cost is a text and no number",
            "line_item_unblended_cost",
            "optional binary line_item_unblended_cost (UTF8);",
            "much",
        ),
        typed("service is a number", "line_item_product_code", "optional double line_item_product_code;", ""),
        typed("day is a number", "line_item_usage_start_date", "optional double line_item_usage_start_date;", ""),
        typed("cost is infinite", "", "", "inf"),
        parquet("net cost is missing", generate_without_net(&plain)),
    ];
    cases.last_mut().expect("a case").query.basis = Basis::NetUnblended;
    let mut two = case("two layouts", vec![Bytes::new("a.parquet", snappy), Bytes::new("b.parquet", maps)]);
    two.query.tenant_tag = "Tenant".to_owned();
    cases.push(two);
    cases
}

/// A report of AWS without discounts has no net columns: their name is another one here.
fn generate_without_net(bytes: &[u8]) -> Vec<u8> {
    let (from, to) = (&b"line_item_net_unblended_cost"[..], &b"line_item_not_unblended_cost"[..]);
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    places.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to));
    bytes
}

#[test]
fn every_malformed_report_gives_a_located_error() {
    let cases: Vec<Case> = of_csv().into_iter().chain(of_parquet()).collect();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    let mut found = String::new();
    for case in &cases {
        let sources: Vec<&dyn Source> = case.files.iter().map(|file| file as &dyn Source).collect();
        let answer = cur::report(&sources, &case.query, &Reading { threads: 2, progress: &|_| {} });
        let Err(problem) = answer else {
            let _ = writeln!(found, "{}\n    it was read", case.name);
            continue;
        };
        assert!(case.files.iter().any(|file| file.name() == problem.file), "{}: {problem}", case.name);
        let _ = writeln!(found, "{}\n    {problem}", case.name);
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/malformed.txt");
    if std::env::var_os("BILLFORM_BLESS").is_some() {
        std::fs::write(&path, &found).expect("written");
    }
    assert!(!found.contains("it was read"), "{found}");
    assert_eq!(found, std::fs::read_to_string(&path).unwrap_or_default(), "BILLFORM_BLESS=1 takes it as right");
}
