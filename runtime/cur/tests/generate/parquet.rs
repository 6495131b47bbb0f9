//! Reports as Parquet, written by the `parquet` crate.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, Int96};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::Shape;
use super::csv::{arn, net};
use super::lines::{Line, Lines, text};

/// How amounts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amounts {
    Double,
    Decimal,
    Text,
}

/// How a file is written.
#[derive(Debug, Clone, Copy)]
pub struct Writing {
    pub compression: Compression,
    pub is_version_two: bool,
    /// Bytes after which a dictionary is given up.
    pub dictionary_bytes: usize,
    pub is_int96: bool,
    pub amounts: Amounts,
    pub group_rows: u64,
    pub page_rows: usize,
    /// An encoding instead of dictionaries, for all texts.
    pub texts: Option<Encoding>,
}

impl Default for Writing {
    fn default() -> Writing {
        Writing {
            compression: Compression::SNAPPY,
            is_version_two: false,
            dictionary_bytes: 1 << 20,
            is_int96: false,
            amounts: Amounts::Double,
            group_rows: 500_000,
            page_rows: 20_000,
            texts: None,
        }
    }
}

enum Cells {
    Text(fn(&Lines, &Line) -> Option<String>),
    /// Amounts with their decimal places.
    Amount(u32, fn(&Line) -> Option<i64>),
    /// Hours since the beginning of 2026.
    Stamp(fn(&Line) -> i64),
    /// A map of tags: the tenant's key, the prefix of the others.
    Tags(&'static str, &'static str),
}

/// 2026-01-01 in days since 1970.
const NEW_YEAR: i64 = 20_454;

fn columns(shape: Shape) -> Vec<(&'static str, Cells)> {
    use Cells::{Amount, Stamp, Tags, Text};
    let invoice = Text(|_, line| line.invoice().map(str::to_owned));
    let account = Text(|_, line| Some(line.account()));
    let service = Text(|_, line| Some(line.service().to_owned()));
    let currency = Text(|_, _| Some("USD".to_owned()));
    if shape == Shape::Focus {
        return vec![
            ("BilledCost", Amount(10, |line| Some(line.cost))),
            ("EffectiveCost", Amount(10, |line| Some(line.effective))),
            ("ConsumedQuantity", Amount(6, |line| Some(line.usage))),
            ("ServiceName", service),
            ("SubAccountId", account),
            ("ChargePeriodStart", Stamp(Line::hour)),
            ("BillingPeriodStart", Stamp(|_| 0)),
            ("ChargeCategory", Text(|_, line| Some(line.category().to_owned()))),
            ("BillingCurrency", currency),
            ("InvoiceId", invoice),
            ("Tags", Tags("Tenant", "")),
        ];
    }
    let mut columns = vec![
        ("identity_line_item_id", Text(|_, line| Some(line.id()))),
        ("bill_invoice_id", invoice),
        ("bill_billing_period_start_date", Stamp(|_| 0)),
        ("line_item_usage_account_id", account),
        ("line_item_line_item_type", Text(|_, line| Some(line.kind().to_owned()))),
        ("line_item_usage_start_date", Stamp(Line::hour)),
        ("line_item_product_code", service),
        ("line_item_resource_id", Text(|_, line| Some(line.resource()))),
        ("line_item_usage_amount", Amount(6, |line| Some(line.usage))),
        ("line_item_currency_code", currency),
        ("line_item_unblended_cost", Amount(10, |line| Some(line.cost))),
        ("line_item_net_unblended_cost", Amount(10, |line| Some(net(line.cost)))),
        ("savings_plan_savings_plan_effective_cost", Amount(10, |line| plan_only(line, line.effective))),
        ("savings_plan_net_savings_plan_effective_cost", Amount(10, |line| plan_only(line, net(line.effective)))),
        ("savings_plan_total_commitment_to_date", Amount(10, |line| plan_only(line, line.committed))),
        ("savings_plan_used_commitment", Amount(10, |line| plan_only(line, line.used))),
        ("reservation_effective_cost", Amount(10, |line| reserved(line, line.effective))),
        ("reservation_net_effective_cost", Amount(10, |line| reserved(line, net(line.effective)))),
        (
            "reservation_unused_amortized_upfront_fee_for_billing_period",
            Amount(10, |line| reserved(line, line.committed)),
        ),
        (
            "reservation_net_unused_amortized_upfront_fee_for_billing_period",
            Amount(10, |line| reserved(line, net(line.committed))),
        ),
        ("reservation_unused_recurring_fee", Amount(10, |line| reserved(line, line.used))),
        ("reservation_net_unused_recurring_fee", Amount(10, |line| reserved(line, net(line.used)))),
        (
            "reservation_reservation_a_r_n",
            Text(|_, line| Some(arn(line)).filter(|arn| !arn.is_empty()).map(str::to_owned)),
        ),
    ];
    if shape == Shape::Cur2 {
        columns.push(("resource_tags", Tags("user_tenant", "user_")));
    } else {
        columns.push(("resource_tags_user_tenant", Text(Lines::tenant)));
        columns.push(("resource_tags_user_project", Text(|_, line| line.project().map(str::to_owned))));
        columns.push(("resource_tags_user_env", Text(|_, line| line.env().map(str::to_owned))));
    }
    columns
}

fn plan_only(line: &Line, amount: i64) -> Option<i64> {
    line.kind().starts_with("SavingsPlan").then_some(amount)
}

fn reserved(line: &Line, amount: i64) -> Option<i64> {
    line.is_reservation.then_some(amount)
}

fn schema(columns: &[(&str, Cells)], writing: &Writing) -> String {
    let field = |(name, cells): &(&str, Cells)| match cells {
        Cells::Text(_) => format!("optional binary {name} (UTF8);"),
        Cells::Amount(places, _) => match writing.amounts {
            Amounts::Double => format!("optional double {name};"),
            Amounts::Decimal => format!("optional int64 {name} (DECIMAL(18, {places}));"),
            Amounts::Text => format!("optional binary {name} (UTF8);"),
        },
        Cells::Stamp(_) if writing.is_int96 => format!("optional int96 {name};"),
        Cells::Stamp(_) => format!("optional int64 {name} (TIMESTAMP_MILLIS);"),
        Cells::Tags(..) => {
            format!(
                "optional group {name} (MAP) {{ repeated group key_value {{ required binary key (UTF8); optional binary value (UTF8); }} }}"
            )
        }
    };
    format!("message report {{ {} }}", columns.iter().map(field).collect::<Vec<_>>().join(" "))
}

/// Writes a report.
pub fn write<W: Write + Send>(lines: &Lines, shape: Shape, writing: &Writing, out: W) -> W {
    let columns = columns(shape);
    let schema = Arc::new(parse_message_type(&schema(&columns, writing)).expect("a schema"));
    let version = if writing.is_version_two { WriterVersion::PARQUET_2_0 } else { WriterVersion::PARQUET_1_0 };
    let mut properties = WriterProperties::builder()
        .set_compression(writing.compression)
        .set_writer_version(version)
        .set_dictionary_page_size_limit(writing.dictionary_bytes)
        .set_data_page_row_count_limit(writing.page_rows)
        .set_write_batch_size(1000);
    // Version 2 would write deltas where a dictionary is given up; that is a case of its own.
    properties = match writing.texts {
        Some(encoding) => properties.set_dictionary_enabled(false).set_encoding(encoding),
        None => properties.set_encoding(Encoding::PLAIN),
    };
    if writing.texts.is_some() {
        for (name, cells) in &columns {
            if !matches!(cells, Cells::Text(_) | Cells::Tags(..)) {
                properties = properties.set_column_encoding((*name).into(), Encoding::PLAIN);
            }
        }
    }
    let mut file = SerializedFileWriter::new(out, schema, Arc::new(properties.build())).expect("a writer");
    let mut begin = 0;
    while begin < lines.rows {
        let end = (begin + writing.group_rows).min(lines.rows);
        let rows: Vec<Line> = (begin..end).map(|row| lines.line(row)).collect();
        let mut group = file.next_row_group().expect("a row group");
        for (_, cells) in &columns {
            write_column(lines, &rows, cells, &mut group);
        }
        group.close().expect("closed");
        begin = end;
    }
    file.into_inner().expect("closed")
}

fn write_column<W: Write + Send>(
    lines: &Lines,
    rows: &[Line],
    cells: &Cells,
    group: &mut parquet::file::writer::SerializedRowGroupWriter<'_, W>,
) {
    if let Cells::Tags(tenant, prefix) = cells {
        return write_tags(lines, rows, (tenant, prefix), group);
    }
    let mut column = group.next_column().expect("a column").expect("one more");
    // Part by part, so that a large row group takes little memory.
    for rows in rows.chunks(10_000) {
        let mut levels = Vec::new();
        match (cells, column.untyped()) {
            (Cells::Text(cell), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                let values = present(rows.iter().map(|line| cell(lines, line)), &mut levels);
                let values: Vec<ByteArray> = values.iter().map(|value| value.as_str().into()).collect();
                writer.write_batch(&values, Some(&levels), None).expect("written");
            }
            (Cells::Amount(places, cell), writer) => {
                let values = present(rows.iter().map(cell), &mut levels);
                let texts = || values.iter().map(|value| text(*value, *places as usize));
                match writer {
                    ColumnWriter::DoubleColumnWriter(writer) => {
                        let values: Vec<f64> = texts().map(|text| text.parse().expect("a number")).collect();
                        writer.write_batch(&values, Some(&levels), None).expect("written");
                    }
                    ColumnWriter::Int64ColumnWriter(writer) => {
                        _ = writer.write_batch(&values, Some(&levels), None).expect("written")
                    }
                    ColumnWriter::ByteArrayColumnWriter(writer) => {
                        let values: Vec<ByteArray> = texts().map(|text| text.as_str().into()).collect();
                        writer.write_batch(&values, Some(&levels), None).expect("written");
                    }
                    _ => panic!("an amount's column"),
                }
            }
            (Cells::Stamp(cell), writer) => {
                let hours = present(rows.iter().map(|line| Some(cell(line))), &mut levels);
                match writer {
                    ColumnWriter::Int64ColumnWriter(writer) => {
                        let values: Vec<i64> = hours.iter().map(|hour| (NEW_YEAR * 24 + hour) * 3_600_000).collect();
                        writer.write_batch(&values, Some(&levels), None).expect("written");
                    }
                    ColumnWriter::Int96ColumnWriter(writer) => {
                        let stamp = |hour: &i64| {
                            let nanos = (hour % 24) * 3_600_000_000_000;
                            let mut stamp = Int96::new();
                            stamp.set_data(
                                nanos as u32,
                                (nanos >> 32) as u32,
                                (NEW_YEAR + hour / 24 + 2_440_588) as u32,
                            );
                            stamp
                        };
                        let values: Vec<Int96> = hours.iter().map(stamp).collect();
                        writer.write_batch(&values, Some(&levels), None).expect("written");
                    }
                    _ => panic!("a timestamp's column"),
                }
            }
            _ => panic!("a text's column"),
        }
    }
    column.close().expect("closed");
}

fn present<T>(cells: impl Iterator<Item = Option<T>>, levels: &mut Vec<i16>) -> Vec<T> {
    cells
        .filter_map(|cell| {
            levels.push(i16::from(cell.is_some()));
            cell
        })
        .collect()
}

/// Tags of a row: the tenant, two that are asked for, and two that nobody asks for; none at all in some rows.
fn write_tags<W: Write + Send>(
    lines: &Lines,
    rows: &[Line],
    (tenant, prefix): (&str, &str),
    group: &mut parquet::file::writer::SerializedRowGroupWriter<'_, W>,
) {
    let names: [String; 5] = [
        format!("{prefix}name"),
        tenant.to_owned(),
        format!("{prefix}project"),
        format!("{prefix}env"),
        format!("{prefix}owner"),
    ];
    for part in 0..2 {
        let mut column = group.next_column().expect("a column").expect("one more");
        for rows in rows.chunks(10_000) {
            let (mut values, mut defs, mut reps) = (Vec::<ByteArray>::new(), Vec::new(), Vec::new());
            for line in rows {
                let is_named = line.number % 3 != 0;
                let tags = [
                    is_named.then(|| Some(line.resource())),
                    lines.tenant(line).map(Some),
                    line.project().map(|project| Some(project.to_owned())),
                    line.env().map(|env| Some(env.to_owned())),
                    // A key without a value.
                    (line.number % 7 == 0).then_some(None),
                ];
                let mut rep = 0;
                for (name, tag) in names.iter().zip(tags) {
                    let Some(value) = tag else { continue };
                    reps.push(std::mem::replace(&mut rep, 1));
                    match (part, value) {
                        (0, _) => {
                            values.push(name.as_str().into());
                            defs.push(2);
                        }
                        (_, Some(value)) => {
                            values.push(value.as_str().into());
                            defs.push(3);
                        }
                        (_, None) => defs.push(2),
                    }
                }
                if rep == 0 {
                    // No map, or an empty one.
                    reps.push(0);
                    defs.push((line.number % 2) as i16);
                }
            }
            let ColumnWriter::ByteArrayColumnWriter(writer) = column.untyped() else { panic!("a text's column") };
            writer.write_batch(&values, Some(&defs), Some(&reps)).expect("written");
        }
        column.close().expect("closed");
    }
}
