//! The least work that any reader of some columns has: read, decompress, decode. The values are looked at and dropped.

use super::footer::Chunks;
use super::group::{Group, GroupReader};
use super::leaf::Leaf;
use crate::batch::ROWS;
use crate::problem::Fault;
use crate::source::Ranges;

impl GroupReader {
    /// Decodes the columns of a row group; returns how many values there were.
    pub fn decode(&mut self, group: &Group, file: &mut dyn Ranges, request: usize) -> Result<u64, Fault> {
        let mut leaf = Leaf::default();
        let (mut values, mut levels, mut codes) = (0, vec![0_u8; ROWS], vec![0_u32; ROWS]);
        for (chunks, has_rows) in group.chunks() {
            values += decode(&mut leaf, chunks, has_rows, (file, request), &mut levels, &mut codes)?;
        }
        Ok(values)
    }
}

fn decode(
    leaf: &mut Leaf,
    chunks: &Chunks,
    has_rows: bool,
    (file, request): (&mut dyn Ranges, usize),
    levels: &mut [u8],
    codes: &mut [u32],
) -> Result<u64, Fault> {
    leaf.begin(&chunks.chunk, &chunks.shape, chunks.values, request)?;
    let mut values = 0;
    while leaf.next_page(file)? {
        let count = leaf.left().min(ROWS);
        if has_rows {
            leaf.repetition(&mut levels[..count])?;
        }
        let there = leaf.present(&mut levels[..count])?.of(count);
        if leaf.has_codes() {
            leaf.codes(&mut codes[..there])?;
        } else {
            for _ in 0..there {
                std::hint::black_box(leaf.plain()?);
            }
        }
        values += count as u64;
    }
    Ok(values)
}
