//! Rare encodings, written out as PLAIN: deltas of integers and of texts, and split byte streams. AWS uses none of them;
//! tools that write reports again may.
//!
//! Source: parquet-format, Encodings.md.

use crate::problem::Fault;

/// The most bytes a page is let grow to.
const MOST_BYTES: usize = 128 << 20;

pub const PLAIN: i32 = 0;
pub const PLAIN_DICTIONARY: i32 = 2;
pub const RLE_DICTIONARY: i32 = 8;
const DELTA_BINARY_PACKED: i32 = 5;
const DELTA_LENGTH_BYTE_ARRAY: i32 = 6;
const DELTA_BYTE_ARRAY: i32 = 7;
const BYTE_STREAM_SPLIT: i32 = 9;

/// Writes at most `values` values out as PLAIN. `width` is the bytes of a value, none for texts.
pub fn expand(
    encoding: i32,
    bytes: &[u8],
    values: usize,
    width: Option<usize>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    out.clear();
    match (encoding, width) {
        (DELTA_BINARY_PACKED, Some(width @ (4 | 8))) => {
            let (integers, _) = deltas(bytes, values)?;
            integers.iter().for_each(|integer| out.extend_from_slice(&integer.to_le_bytes()[..width]));
        }
        (DELTA_LENGTH_BYTE_ARRAY, None) => {
            let (lengths, mut at) = deltas(bytes, values)?;
            for length in lengths {
                let text =
                    usize::try_from(length).ok().and_then(|length| bytes.get(at..)?.get(..length)).ok_or_else(cut)?;
                push(out, &[text])?;
                at += text.len();
            }
        }
        (DELTA_BYTE_ARRAY, None) => {
            let (prefixes, at) = deltas(bytes, values)?;
            let (suffixes, length) = deltas(&bytes[at..], values)?;
            let (mut at, mut last) = (at + length, Vec::new());
            for (prefix, suffix) in prefixes.into_iter().zip(suffixes) {
                let suffix =
                    usize::try_from(suffix).ok().and_then(|length| bytes.get(at..)?.get(..length)).ok_or_else(cut)?;
                let prefix = usize::try_from(prefix).ok().filter(|length| *length <= last.len()).ok_or_else(cut)?;
                last.truncate(prefix);
                last.extend_from_slice(suffix);
                at += suffix.len();
                push(out, &[&last])?;
            }
        }
        (BYTE_STREAM_SPLIT, Some(width)) if width > 0 => {
            let count = bytes.len() / width;
            for value in 0..count {
                out.extend((0..width).map(|byte| bytes[byte * count + value]));
            }
        }
        _ => {
            return Err(Fault::damage(format!(
                "a page is written in encoding {encoding}, which does not go with its type"
            )));
        }
    }
    Ok(())
}

fn cut() -> Fault {
    Fault::damage("a page ends before its values do")
}

fn push(out: &mut Vec<u8>, parts: &[&[u8]]) -> Result<(), Fault> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    if out.len() + length + 4 > MOST_BYTES {
        return Err(Fault::damage(format!("a page grows beyond {MOST_BYTES} bytes")));
    }
    out.extend_from_slice(&(length as u32).to_le_bytes());
    parts.iter().for_each(|part| out.extend_from_slice(part));
    Ok(())
}

/// Reads integers written as deltas; returns them and the bytes they took.
fn deltas(bytes: &[u8], most: usize) -> Result<(Vec<i64>, usize), Fault> {
    let mut at = 0;
    let block = number(bytes, &mut at)?;
    let minis = number(bytes, &mut at)?;
    let count = number(bytes, &mut at)?;
    let first = number(bytes, &mut at)?;
    let (block, minis, count) = (block as usize, minis as usize, count as usize);
    if minis == 0
        || block == 0
        || block % minis != 0
        || block / minis % 32 != 0
        || block > 1 << 20
        || count > most
        || count > MOST_BYTES / 8
    {
        return Err(Fault::damage("a page of deltas has an impossible header"));
    }
    let (mut out, mut value) = (Vec::with_capacity(count), zigzag(first));
    if count > 0 {
        out.push(value);
    }
    while out.len() < count {
        let least = zigzag(number(bytes, &mut at)?);
        let widths = bytes.get(at..).and_then(|rest| rest.get(..minis)).ok_or_else(cut)?;
        at += minis;
        for width in widths.iter().map(|width| usize::from(*width)) {
            if out.len() == count {
                break;
            }
            let packed = block / minis * width / 8;
            let packed = bytes.get(at..).and_then(|rest| rest.get(..packed)).ok_or_else(cut)?;
            if width > 64 {
                return Err(cut());
            }
            for index in 0..(block / minis).min(count - out.len()) {
                value = value.wrapping_add(least).wrapping_add(bits(packed, index * width, width) as i64);
                out.push(value);
            }
            at += packed.len();
        }
    }
    Ok((out, at))
}

fn bits(bytes: &[u8], from: usize, width: usize) -> u64 {
    let bit = |at: usize| u64::from(bytes[at / 8] >> (at % 8) & 1);
    (0..width).fold(0, |value, at| value | bit(from + at) << at)
}

fn number(bytes: &[u8], at: &mut usize) -> Result<u64, Fault> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at).ok_or_else(cut)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(cut())
}

fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}
