//! The footer of a Parquet file: its columns and where their chunks lie. Read by the `parquet` crate.

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader, ParquetStatisticsPolicy,
};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use super::leaf::Shape;
use super::pages::Chunk;
use super::thrift::check_footer;
use crate::layout::Column;
use crate::problem::Fault;
use crate::source::Ranges;

/// The most bytes a footer is let take: one of 300 columns and 1,000 row groups has 30 MB.
const MOST_FOOTER_BYTES: u64 = 64 << 20;
/// Rows to a byte of the file above which the file lies about them.
const MOST_ROWS_TO_A_BYTE: u64 = 4096;

/// A Parquet file's description.
#[derive(Debug)]
pub struct Footer {
    metadata: ParquetMetaData,
    /// The top-level columns.
    pub columns: Vec<Column>,
    /// For every column its first leaf and how many it has.
    leaves: Vec<(usize, usize)>,
    length: u64,
}

/// One column's chunk in one row group.
#[derive(Debug, Clone)]
pub struct Chunks {
    pub chunk: Chunk,
    pub shape: Shape,
    /// Values and nulls.
    pub values: u64,
}

/// What the values of a leaf are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Texts of so many bytes.
    Fixed(usize),
    Double,
    Single,
    /// Integers of so many bytes, with decimal places.
    Integer {
        width: usize,
        places: u32,
    },
    /// Big-endian integers of so many bytes, or of any number, with decimal places.
    Decimal {
        width: Option<usize>,
        places: u32,
    },
    /// Days since 1970.
    Date,
    /// Units since 1970, so many to a day.
    Stamp {
        per_day: i64,
    },
    Int96,
    /// Nothing that a report is read by.
    Flag,
}

impl Kind {
    /// Bytes of a value; none where each has its length.
    pub fn width(self) -> Option<usize> {
        match self {
            Kind::Text => None,
            Kind::Fixed(width) | Kind::Integer { width, .. } => Some(width),
            Kind::Decimal { width, .. } => width,
            Kind::Double | Kind::Stamp { .. } => Some(8),
            Kind::Single | Kind::Date => Some(4),
            Kind::Int96 => Some(12),
            Kind::Flag => Some(1),
        }
    }

    /// Whether it can be read as text.
    pub fn is_text(self) -> bool {
        matches!(self, Kind::Text | Kind::Fixed(_))
    }

    /// Whether it can be read as a day.
    pub fn is_day(self) -> bool {
        self.is_text() || matches!(self, Kind::Date | Kind::Stamp { .. } | Kind::Int96)
    }

    /// Whether it can be read as an amount.
    pub fn is_amount(self) -> bool {
        matches!(self, Kind::Text | Kind::Double | Kind::Single | Kind::Integer { .. } | Kind::Decimal { .. })
    }
}

impl Footer {
    /// Reads a file's footer.
    pub fn read(file: &mut dyn Ranges, length: u64) -> Result<Footer, Fault> {
        let tail = read(
            file,
            length.checked_sub(8).filter(|at| *at >= 4).ok_or_else(|| Fault::damage("the file is too short"))?,
            8,
        )?;
        if &tail[4..] != b"PAR1" {
            return Err(Fault::damage("the file does not end as a Parquet file does"));
        }
        let bytes = u64::from(u32::from_le_bytes(tail[..4].try_into().expect("four bytes")));
        if bytes > MOST_FOOTER_BYTES || bytes > length - 12 {
            return Err(Fault::damage(format!("the footer has {bytes} bytes, the file {length}")));
        }
        let footer = read(file, length - 8 - bytes, bytes as usize)?;
        check_footer(&footer)?;
        // Statistics are of no use: every row is read.
        let options = ParquetMetaDataOptions::new()
            .with_column_stats_policy(ParquetStatisticsPolicy::SkipAll)
            .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll);
        let metadata = ParquetMetaDataReader::decode_metadata_with_options(&footer, Some(&options))
            .map_err(|error| Fault::damage(format!("the footer cannot be read: {error}")))?;
        let schema = metadata.file_metadata().schema_descr();
        let (mut columns, mut leaves) = (Vec::new(), Vec::new());
        for (root, field) in schema.root_schema().get_fields().iter().enumerate() {
            let of: Vec<usize> =
                (0..schema.num_columns()).filter(|leaf| schema.get_column_root_idx(*leaf) == root).collect();
            columns.push(Column::new(field.name(), is_map(schema, &of)));
            leaves.push((of.first().copied().unwrap_or_default(), of.len()));
        }
        let footer = Footer { metadata, columns, leaves, length };
        for group in 0..footer.groups() {
            footer.checked_rows(group)?;
        }
        Ok(footer)
    }

    /// How many row groups there are.
    pub fn groups(&self) -> usize {
        self.metadata.num_row_groups()
    }

    /// The rows of a row group.
    pub fn rows(&self, group: usize) -> u64 {
        self.metadata.row_group(group).num_rows().unsigned_abs()
    }

    fn checked_rows(&self, group: usize) -> Result<u64, Fault> {
        let rows = self.metadata.row_group(group).num_rows();
        let most = self.length.saturating_mul(MOST_ROWS_TO_A_BYTE);
        let rows = u64::try_from(rows).ok().filter(|rows| *rows <= most);
        rows.ok_or_else(|| {
            Fault::damage(format!("row group {} claims {} rows", group + 1, self.metadata.row_group(group).num_rows()))
        })
    }

    /// What the values of a column are; a nested column has none.
    pub fn kind(&self, column: usize) -> Result<Kind, Fault> {
        let nested = || Fault::new("the column is nested where plain values are expected");
        match self.leaves[column] {
            (leaf, 1) => {
                let descriptor = self.metadata.file_metadata().schema_descr().column(leaf);
                let is_plain = descriptor.max_rep_level() == 0 && descriptor.path().parts().len() == 1;
                if is_plain { Ok(kind(&descriptor)) } else { Err(nested()) }
            }
            _ => Err(nested()),
        }
    }

    /// A plain column's chunk in a row group.
    pub fn chunk(&self, group: usize, column: usize) -> Result<Chunks, Fault> {
        self.leaf(group, self.leaves[column].0)
    }

    /// The chunks of a map's keys and values.
    pub fn map(&self, group: usize, column: usize) -> Result<(Chunks, Chunks), Fault> {
        let (first, _) = self.leaves[column];
        Ok((self.leaf(group, first)?, self.leaf(group, first + 1)?))
    }

    fn leaf(&self, group: usize, leaf: usize) -> Result<Chunks, Fault> {
        let metadata = self
            .metadata
            .row_group(group)
            .columns()
            .get(leaf)
            .ok_or_else(|| Fault::damage("the row group lacks the column"))?;
        let (offset, bytes) = range(metadata)
            .filter(|(offset, bytes)| offset.saturating_add(*bytes) <= self.length)
            .ok_or_else(|| Fault::damage("the column chunk reaches beyond the end of the file"))?;
        let descriptor = metadata.column_descr();
        let level =
            |level: i16| u8::try_from(level).map_err(|_| Fault::damage(format!("the column is {level} levels deep")));
        let shape = Shape {
            width: kind(descriptor).width(),
            max_def: level(descriptor.max_def_level())?,
            max_rep: level(descriptor.max_rep_level())?,
        };
        let values = u64::try_from(metadata.num_values())
            .map_err(|_| Fault::damage("the column chunk has a negative length"))?;
        if values > self.length.saturating_mul(MOST_ROWS_TO_A_BYTE) {
            return Err(Fault::damage(format!("the column chunk claims {values} values")));
        }
        Ok(Chunks { chunk: Chunk { offset, bytes, codec: metadata.compression_codec() }, shape, values })
    }
}

/// The bytes of a column chunk: from its dictionary on, where it has one.
fn range(metadata: &ColumnChunkMetaData) -> Option<(u64, u64)> {
    let data = u64::try_from(metadata.data_page_offset()).ok()?;
    // Some writers say 0 where there is no dictionary.
    let dictionary =
        metadata.dictionary_page_offset().and_then(|at| u64::try_from(at).ok()).filter(|at| *at > 0 && *at < data);
    Some((dictionary.unwrap_or(data), u64::try_from(metadata.compressed_size()).ok()?))
}

/// Whether a column's leaves are the keys and values of a map of texts.
fn is_map(schema: &SchemaDescriptor, leaves: &[usize]) -> bool {
    let is_entry = |leaf: usize| {
        let column = schema.column(leaf);
        column.max_rep_level() == 1 && column.physical_type() == Type::BYTE_ARRAY && column.path().parts().len() == 3
    };
    matches!(leaves, [key, value] if is_entry(*key) && is_entry(*value))
}

fn kind(column: &ColumnDescriptor) -> Kind {
    let places = match column.logical_type_ref() {
        Some(LogicalType::Decimal(decimal)) => Some(decimal.scale),
        _ if column.converted_type() == ConvertedType::DECIMAL => Some(column.type_scale()),
        _ => None,
    };
    let places = places.map(|places| u32::try_from(places).unwrap_or_default());
    let width = usize::try_from(column.type_length()).ok();
    match (column.physical_type(), places) {
        (Type::BOOLEAN, _) => Kind::Flag,
        (Type::FIXED_LEN_BYTE_ARRAY, _) if width.unwrap_or_default() == 0 => Kind::Flag,
        (Type::INT96, _) => Kind::Int96,
        (Type::FLOAT, _) => Kind::Single,
        (Type::DOUBLE, _) => Kind::Double,
        (Type::BYTE_ARRAY, None) => Kind::Text,
        (Type::BYTE_ARRAY, Some(places)) => Kind::Decimal { width: None, places },
        (Type::FIXED_LEN_BYTE_ARRAY, None) => Kind::Fixed(width.unwrap_or_default()),
        (Type::FIXED_LEN_BYTE_ARRAY, Some(places)) => Kind::Decimal { width: Some(width.unwrap_or_default()), places },
        (Type::INT32, places) => match (places, column.converted_type()) {
            (None, ConvertedType::DATE) => Kind::Date,
            _ => Kind::Integer { width: 4, places: places.unwrap_or_default() },
        },
        (Type::INT64, places) => match (places, per_day(column)) {
            (None, Some(per_day)) => Kind::Stamp { per_day },
            _ => Kind::Integer { width: 8, places: places.unwrap_or_default() },
        },
    }
}

fn per_day(column: &ColumnDescriptor) -> Option<i64> {
    match column.logical_type_ref() {
        Some(LogicalType::Timestamp(stamp)) => match stamp.unit {
            TimeUnit::MILLIS => Some(86_400_000),
            TimeUnit::MICROS => Some(86_400_000_000),
            TimeUnit::NANOS => Some(86_400_000_000_000),
        },
        _ => match column.converted_type() {
            ConvertedType::TIMESTAMP_MILLIS => Some(86_400_000),
            ConvertedType::TIMESTAMP_MICROS => Some(86_400_000_000),
            _ => None,
        },
    }
}

fn read(file: &mut dyn Ranges, at: u64, length: usize) -> Result<Vec<u8>, Fault> {
    let mut bytes = vec![0; length];
    file.read_at(at, &mut bytes)
        .map_err(|error| Fault::damage(format!("bytes from {at} on cannot be read: {error}")))?;
    Ok(bytes)
}
