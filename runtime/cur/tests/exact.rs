//! Generated reports add up to what the generator's own integers say, to the last digit: every layout, format, basis and
//! way of writing Parquet.

mod generate;

use cur::{Basis, Bytes, Dimension, Query, Reading, Report, Source};
use generate::lines::Lines;
use generate::parquet::{Amounts, Writing};
use generate::{Shape, expected};
use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use rust_decimal::Decimal;

const SHAPES: [Shape; 3] = [Shape::Legacy, Shape::Cur2, Shape::Focus];

fn lines() -> Lines {
    Lines { rows: 4_100, tenants: 40, seed: 7 }
}

fn query(by: &[&str], basis: Basis) -> Query {
    let by = by.iter().map(|name| name.parse::<Dimension>().expect("a dimension")).collect();
    Query { basis, tenant_tag: "Tenant".to_owned(), ..Query::new(by) }
}

fn read(files: &[Bytes], query: &Query, threads: usize) -> Report {
    let sources: Vec<&dyn Source> = files.iter().map(|file| file as &dyn Source).collect();
    let reading = Reading { threads, progress: &|_| {} };
    cur::report(&sources, query, &reading).unwrap_or_else(|problem| panic!("{problem}"))
}

/// Compares every group, its cost, usage and rows.
fn check(files: &[Bytes], lines: &Lines, shape: Shape, by: &[&str], basis: usize) {
    let report = read(files, &query(by, Basis::ALL[basis]), 3);
    let expected = expected(lines, shape, basis, by);
    assert_eq!(report.groups.len(), expected.len(), "{shape:?} {by:?}");
    assert!(report.is_conserved());
    for (group, (values, (cost, usage, rows))) in report.groups.iter().zip(&expected) {
        assert!(
            group.values.iter().map(|value| &**value).eq(values.iter().map(String::as_str)),
            "{:?} {values:?}",
            group.values
        );
        let found = (group.sums.cost.to_string(), group.sums.usage.to_string(), group.sums.rows);
        assert_eq!(found, (cost.normalize().to_string(), usage.normalize().to_string(), *rows), "{values:?}");
    }
}

fn parquet(lines: &Lines, shape: Shape, writing: &Writing) -> Bytes {
    Bytes::new("report.parquet", generate::parquet::write(lines, shape, writing, Vec::new()))
}

#[test]
fn every_basis_of_every_layout_in_parquet() {
    let writing = Writing { group_rows: 1_500, page_rows: 300, ..Writing::default() };
    for shape in SHAPES {
        let file = parquet(&lines(), shape, &writing);
        for basis in 0..4 {
            check(std::slice::from_ref(&file), &lines(), shape, &["tenant", "service"], basis);
        }
    }
}

#[test]
fn every_dimension_in_parquet() {
    for shape in SHAPES {
        let file = [parquet(&lines(), shape, &Writing::default())];
        check(&file, &lines(), shape, &["tenant", "project", "tag:env"], 0);
        check(&file, &lines(), shape, &["account", "day", "line-type", "invoice", "month"], 0);
        check(&file, &lines(), shape, &["tenant", "day", "service", "account", "project", "line-type"], 0);
        check(&file, &lines(), shape, &[], 0);
    }
}

#[test]
fn every_way_of_writing_parquet() {
    let base = Writing { group_rows: 1_500, page_rows: 400, ..Writing::default() };
    let compressions =
        [Compression::UNCOMPRESSED, Compression::GZIP(GzipLevel::default()), Compression::ZSTD(ZstdLevel::default())];
    let mut ways: Vec<Writing> = compressions.map(|compression| Writing { compression, ..base }).into();
    ways.extend(compressions.map(|compression| Writing { compression, is_version_two: true, ..base }));
    ways.push(Writing { dictionary_bytes: 900, ..base });
    ways.push(Writing { dictionary_bytes: 900, is_version_two: true, ..base });
    ways.push(Writing { is_int96: true, ..base });
    ways.push(Writing { amounts: Amounts::Decimal, ..base });
    ways.push(Writing { amounts: Amounts::Text, ..base });
    for encoding in [Encoding::PLAIN, Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY] {
        ways.push(Writing { texts: Some(encoding), ..base });
    }
    for way in ways {
        for shape in [Shape::Legacy, Shape::Cur2] {
            check(&[parquet(&lines(), shape, &way)], &lines(), shape, &["tenant", "day"], 0);
        }
    }
}

#[test]
fn every_layout_in_csv_gzip_and_zip() {
    for shape in SHAPES {
        let text = generate::csv::write(&lines(), shape);
        for (name, bytes) in
            [("a.csv", text.clone()), ("a.csv.gz", generate::csv::gzip(&text)), ("a.zip", generate::csv::zip(&text))]
        {
            let file = [Bytes::new(name, bytes)];
            check(&file, &lines(), shape, &["tenant", "project", "tag:env"], 0);
        }
        for basis in 0..4 {
            let file = [Bytes::new("a.csv", text.clone())];
            check(&file, &lines(), shape, &["line-type", "day", "account", "service", "invoice", "month"], basis);
        }
    }
}

#[test]
fn parquet_and_csv_of_one_report_go_together() {
    let one = Lines { rows: 3_000, tenants: 40, seed: 1 };
    let text = generate::csv::write(&one, Shape::Legacy);
    let files = [parquet(&one, Shape::Legacy, &Writing::default()), Bytes::new("b.csv", text)];
    let report = read(&files, &query(&["tenant"], Basis::Unblended), 2);
    let alone = read(&files[..1], &query(&["tenant"], Basis::Unblended), 1);
    assert_eq!(report.total.rows, 6_000);
    for (both, one) in report.groups.iter().zip(&alone.groups) {
        assert_eq!(both.sums.cost, one.sums.cost + one.sums.cost);
    }
}

#[test]
fn days_limit_what_counts_and_the_rest_is_counted() {
    let lines = lines();
    let file = [parquet(&lines, Shape::Legacy, &Writing::default())];
    // 2026-01-10 to 2026-01-12.
    let limited = Query { from: Some(20_463), to: Some(20_465), ..query(&["day"], Basis::Amortised) };
    let report = read(&file, &limited, 1);
    let all = expected(&lines, Shape::Legacy, 2, &["day"]);
    let days: Vec<&str> = report.groups.iter().map(|group| &*group.values[0]).collect();
    assert_eq!(days, ["2026-01-10", "2026-01-11", "2026-01-12"]);
    for group in &report.groups {
        assert_eq!(group.sums.cost.to_string(), all[&vec![group.values[0].to_string()]].0.normalize().to_string());
    }
    assert_eq!(report.outside + report.total.rows, lines.rows);
}

#[test]
fn months_say_what_is_final() {
    let lines = lines();
    for shape in SHAPES {
        let report = read(&[parquet(&lines, shape, &Writing::default())], &query(&["tenant"], Basis::Unblended), 2);
        let by_invoice = expected(&lines, shape, 0, &["invoice"]);
        let [month] = &report.months[..] else { panic!("one month") };
        let open = month.open.expect("invoices are known");
        assert_eq!((month.month.as_str(), month.all), ("2026-01", report.total));
        let (cost, _, rows) = &by_invoice[&vec![String::new()]];
        assert_eq!((open.cost.to_string(), open.rows), (cost.normalize().to_string(), *rows));
        assert_eq!(month.is_final(), Some(false));
    }
}

#[test]
fn unallocated_cost_is_named_by_the_tags_value() {
    let lines = lines();
    let report =
        read(&[parquet(&lines, Shape::Cur2, &Writing::default())], &query(&["tenant", "service"], Basis::Unblended), 2);
    let by_tenant = expected(&lines, Shape::Cur2, 0, &["tenant"]);
    let known: Vec<String> =
        by_tenant.keys().map(|key| key[0].clone()).filter(|name| !name.is_empty() && name != "tenant-003").collect();
    let unallocated = report.unallocated(&known.iter().map(String::as_str).collect::<Vec<_>>()).expect("by tenant");
    assert_eq!(unallocated.keys().map(|key| &**key).collect::<Vec<_>>(), ["", "tenant-003"]);
    for (value, sums) in unallocated {
        assert_eq!(sums.cost.to_string(), by_tenant[&vec![value.to_string()]].0.normalize().to_string());
    }
}

#[test]
fn a_restatement_is_compared_group_by_group() {
    let (old, new) = (Lines { rows: 2_000, tenants: 5, seed: 1 }, Lines { rows: 2_001, tenants: 5, seed: 1 });
    let query = query(&["tenant", "service", "day", "account"], Basis::Unblended);
    let reports = [old, new].map(|lines| read(&[parquet(&lines, Shape::Legacy, &Writing::default())], &query, 1));
    let changes = cur::compare(&reports[0], &reports[1]);
    assert_eq!(changes.len(), 1);
    let added = new.line(2_000);
    assert_eq!(changes[0].cost().to_string(), generate::lines::text(added.cost, 10));
    assert!(cur::compare(&reports[0], &reports[0]).is_empty());
}

#[test]
fn two_spellings_of_one_tag_are_refused() {
    let by = ["tag:Tenant", "tag:tenant"].map(|name| name.parse::<Dimension>().expect("a dimension"));
    for shape in [Shape::Cur2, Shape::Focus] {
        let file = parquet(&lines(), shape, &Writing::default());
        let problem = cur::report(&[&file], &Query::new(by.to_vec()), &Reading::default()).expect_err("refused");
        assert!(problem.to_string().contains("are one tag in this report; group by one of them"), "{problem}");
    }
}

#[test]
fn an_answer_is_written_as_parquet_with_every_digit() {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::Field;

    let by = ["tenant", "tag:env", "line-type"];
    let report = read(&[parquet(&lines(), Shape::Cur2, &Writing::default())], &query(&by, Basis::Amortised), 2);
    let file = SerializedFileReader::new(bytes::Bytes::from(cur::parquet(&report).expect("written"))).expect("a file");
    let rows = file.get_row_iter(None).expect("rows").map(|row| row.expect("a row"));
    let texts = rows.map(|row| {
        let columns = row.get_column_iter().map(|(name, field)| match field {
            Field::Decimal(decimal) => {
                let bytes = <[u8; 16]>::try_from(decimal.data()).expect("16 bytes");
                let units = Decimal::from_i128_with_scale(i128::from_be_bytes(bytes), decimal.scale().unsigned_abs());
                (name.clone(), units.normalize().to_string())
            }
            Field::Str(text) => (name.clone(), text.clone()),
            other => panic!("{other}"),
        });
        columns.collect::<Vec<_>>()
    });
    let texts: Vec<_> = texts.collect();
    let expected = expected(&lines(), Shape::Cur2, 2, &by);
    assert_eq!(texts.len(), expected.len());
    for (found, (values, (cost, usage, _))) in texts.iter().zip(&expected) {
        let values = values.iter().cloned().chain([cost, usage].map(|amount| amount.normalize().to_string()));
        let names = by.into_iter().chain(["cost", "usage"]).map(str::to_owned);
        assert_eq!(*found, names.zip(values).collect::<Vec<_>>());
    }
}

#[test]
fn an_amount_of_more_than_38_digits_is_not_written_as_parquet() {
    let text = "lineItem/UnblendedCost,lineItem/UsageAmount\n0.0000000000000000000000001,1\n99999999999999,1\n";
    let report = read(&[Bytes::new("a.csv", text)], &query(&[], Basis::Unblended), 1);
    let cause = cur::parquet(&report).expect_err("too long");
    assert!(cause.ends_with("with 25 decimal places has more than 38 digits"), "{cause}");
}
