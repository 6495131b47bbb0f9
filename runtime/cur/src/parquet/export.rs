//! An answer as a Parquet file: a column of text for every dimension, cost and usage as exact decimals.

use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

use crate::amount::{Amount, PLACES};
use crate::report::{Group, Report};

/// Digits of a decimal in 16 bytes, which readers take at most.
const PRECISION: i32 = 38;

/// An amount of a group.
type Figure = fn(&Group) -> Amount;
const FIGURES: [(&str, Figure); 2] = [("cost", |group| group.sums.cost), ("usage", |group| group.sums.usage)];

/// The groups of a report as a Parquet file: its dimensions, then `cost` and `usage` as DECIMAL(38, n) with as many places
/// as the finest amount has, 12 at least. The error says which amount 38 digits cannot hold.
pub fn parquet(report: &Report) -> Result<Vec<u8>, String> {
    let figures = FIGURES.iter().map(|(name, figure)| figures(report, name, *figure));
    let written = write(report, &figures.collect::<Result<Vec<_>, _>>()?);
    written.map_err(|error| format!("the groups cannot be written as Parquet: {error}"))
}

/// The amounts of all groups, in units of so many places.
struct Figures {
    name: &'static str,
    places: u32,
    units: Vec<i128>,
}

fn figures(report: &Report, name: &'static str, figure: Figure) -> Result<Figures, String> {
    let amounts = || report.groups.iter().map(figure);
    let places = amounts().map(|amount| amount.places()).max().unwrap_or(PLACES);
    let most = 10_u128.pow(PRECISION.unsigned_abs());
    let units = amounts().map(|amount| {
        let units = amount.units(places).filter(|units| units.unsigned_abs() < most);
        units.ok_or_else(|| format!("{name} {amount} with {places} decimal places has more than {PRECISION} digits"))
    });
    Ok(Figures { name, places, units: units.collect::<Result<_, _>>()? })
}

fn write(report: &Report, figures: &[Figures]) -> Result<Vec<u8>, ParquetError> {
    let texts = report.by.iter().map(|dimension| text_type(&dimension.to_string()));
    let fields = texts.chain(figures.iter().map(decimal_type)).collect::<Result<Vec<TypePtr>, _>>()?;
    let schema = Type::group_type_builder("costs").with_fields(fields).build()?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    let lacks = || ParquetError::General("a column is missing".to_owned());
    for place in 0..report.by.len() {
        let texts: Vec<ByteArray> = report.groups.iter().map(|group| ByteArray::from(&*group.values[place])).collect();
        let mut column = group.next_column()?.ok_or_else(lacks)?;
        column.typed::<ByteArrayType>().write_batch(&texts, None, None)?;
        column.close()?;
    }
    for figures in figures {
        let units = figures.units.iter().map(|units| FixedLenByteArray::from(units.to_be_bytes().to_vec()));
        let units: Vec<FixedLenByteArray> = units.collect();
        let mut column = group.next_column()?.ok_or_else(lacks)?;
        column.typed::<FixedLenByteArrayType>().write_batch(&units, None, None)?;
        column.close()?;
    }
    group.close()?;
    file.into_inner()
}

fn text_type(name: &str) -> Result<TypePtr, ParquetError> {
    let text = Type::primitive_type_builder(name, Physical::BYTE_ARRAY).with_repetition(Repetition::REQUIRED);
    Ok(Arc::new(text.with_logical_type(Some(LogicalType::String)).build()?))
}

fn decimal_type(figures: &Figures) -> Result<TypePtr, ParquetError> {
    let places = i32::try_from(figures.places).unwrap_or(PRECISION);
    let decimal = Type::primitive_type_builder(figures.name, Physical::FIXED_LEN_BYTE_ARRAY)
        .with_repetition(Repetition::REQUIRED)
        .with_length(16)
        .with_precision(PRECISION)
        .with_scale(places)
        .with_logical_type(Some(LogicalType::decimal(places, PRECISION)));
    Ok(Arc::new(decimal.build()?))
}
