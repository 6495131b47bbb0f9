//! Runs and bit-packed groups: how Parquet writes levels and dictionary codes (its "RLE/bit-packing hybrid").

use crate::problem::Fault;

/// Where a reader stands in such a stream. It keeps no reference to the bytes, so that their buffer can be reused.
#[derive(Debug, Clone, Default)]
pub struct Hybrid {
    width: u32,
    /// The next byte, and where the stream ends.
    at: usize,
    end: usize,
    /// What is left of the run under way.
    left: usize,
    run: Run,
}

#[derive(Debug, Clone, Copy, Default)]
enum Run {
    #[default]
    None,
    /// One value again and again.
    Same(u32),
    /// Packed values: the bit after the last one taken.
    Packed(usize),
}

/// What values are unpacked into: levels into bytes, codes into words.
pub trait Number: Copy {
    /// The number of so many bits.
    fn of(value: u64) -> Self;
}

impl Number for u8 {
    #[inline]
    fn of(value: u64) -> u8 {
        value as u8
    }
}

impl Number for u32 {
    #[inline]
    fn of(value: u64) -> u32 {
        value as u32
    }
}

impl Hybrid {
    /// A stream of values of `width` bits, from byte `at` to `end` of its page.
    pub fn new(width: u32, at: usize, end: usize) -> Result<Hybrid, Fault> {
        if width > 32 {
            return Err(Fault::damage(format!("a page has values of {width} bits")));
        }
        Ok(Hybrid { width, at, end, left: 0, run: Run::None })
    }

    /// Fills `out` with the next values.
    pub fn fill<N: Number>(&mut self, page: &[u8], out: &mut [N]) -> Result<(), Fault> {
        if let Some(same) = self.take(page, out)? {
            out.fill(N::of(same.into()));
        }
        Ok(())
    }

    /// Fills `out` with the next values, or returns their value where one run gives all of them and leaves `out` alone.
    #[inline]
    pub fn take<N: Number>(&mut self, page: &[u8], out: &mut [N]) -> Result<Option<u32>, Fault> {
        while self.left == 0 && !out.is_empty() {
            self.next_run(page)?;
        }
        if let (Run::Same(value), true) = (self.run, self.left >= out.len()) {
            self.left -= out.len();
            return Ok(Some(value));
        }
        let mut done = 0;
        while done < out.len() {
            if self.left == 0 {
                self.next_run(page)?;
                continue;
            }
            let count = self.left.min(out.len() - done);
            let part = &mut out[done..done + count];
            match &mut self.run {
                Run::Same(value) => part.fill(N::of((*value).into())),
                Run::Packed(bit) => {
                    unpack(page, self.end, *bit, self.width, part);
                    *bit += count * self.width as usize;
                }
                Run::None => return Err(Fault::damage("a page ends before its values do")),
            }
            done += count;
            self.left -= count;
        }
        Ok(None)
    }

    fn next_run(&mut self, page: &[u8]) -> Result<(), Fault> {
        let ends = || Fault::damage("a page ends before its values do");
        if self.width == 0 {
            (self.run, self.left) = (Run::Same(0), usize::MAX);
            return Ok(());
        }
        let mut header = 0_u64;
        for shift in (0..).step_by(7) {
            let byte = if self.at < self.end { page.get(self.at).copied() } else { None }.ok_or_else(ends)?;
            self.at += 1;
            header |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
            if shift == 28 {
                return Err(Fault::damage("a page has a run that is too long"));
            }
        }
        let count = (header >> 1) as usize;
        let width = self.width as usize;
        if header & 1 == 1 {
            let (bytes, left) = (count * width, self.end.saturating_sub(self.at));
            if left == 0 && count > 0 {
                return Err(ends());
            }
            // The last group may be cut off behind its last value.
            self.left = (count * 8).min(left * 8 / width);
            self.run = Run::Packed(self.at * 8);
            self.at += bytes.min(left);
            if self.left == 0 && count > 0 {
                return Err(ends());
            }
        } else {
            let bytes = width.div_ceil(8);
            let value = page.get(self.at..self.end).and_then(|rest| rest.get(..bytes)).ok_or_else(ends)?;
            let mut word = [0; 4];
            word[..bytes].copy_from_slice(value);
            self.at += bytes;
            (self.run, self.left) = (Run::Same(u32::from_le_bytes(word)), count);
        }
        Ok(())
    }
}

/// Unpacks values of `width` bits (1 to 32) from `bit` on. The caller has checked that they lie before `end`.
#[inline]
fn unpack<N: Number>(page: &[u8], end: usize, bit: usize, width: u32, out: &mut [N]) {
    let bytes = &page[..end];
    // Up to the next group of eight, which begins with a byte.
    let first = (0..8).find(|values| (bit + values * width as usize).is_multiple_of(8)).unwrap_or(out.len());
    let (head, rest) = out.split_at_mut(first.min(out.len()));
    one_by_one(bytes, bit, width, head);
    let bit = bit + head.len() * width as usize;
    let done = if rest.is_empty() { 0 } else { by_eight(bytes.get(bit / 8..).unwrap_or_default(), width, rest) };
    one_by_one(bytes, bit + done * width as usize, width, &mut rest[done..]);
}

/// Unpacks whole groups of eight; returns how many values that were.
fn by_eight<N: Number>(bytes: &[u8], width: u32, out: &mut [N]) -> usize {
    macro_rules! widths {
        ($($width:literal)*) => {
            match width {
                $($width => groups::<$width, N>(bytes, out),)*
                _ => 0,
            }
        };
    }
    widths!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
}

/// Groups of eight values of `WIDTH` bits (at most 16): up to 8, all of a group lie within eight bytes; up to 16, each half does.
fn groups<const WIDTH: usize, N: Number>(bytes: &[u8], out: &mut [N]) -> usize {
    let mask = (1_u64 << WIDTH) - 1;
    let (groups, _) = out.as_chunks_mut::<8>();
    let mut done = 0;
    for group in groups {
        // Eight bytes from where either half begins.
        let Some(bytes) = bytes.get(done * WIDTH / 8..).and_then(|rest| rest.get(..WIDTH / 2 + 8)) else { break };
        let word = |at: usize| bytes[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        if WIDTH <= 8 {
            let word = word(0);
            let spread = match WIDTH {
                1 => spread_bits(word),
                2 => spread_pairs(word),
                _ => [0; 8],
            };
            for (at, (value, byte)) in group.iter_mut().zip(spread).enumerate() {
                *value = N::of(if WIDTH <= 2 { byte.into() } else { word >> (at * WIDTH) & mask });
            }
        } else {
            // The second half begins within a byte where the width is odd.
            let (one, two) = (word(0), word(WIDTH / 2) >> (WIDTH % 2 * 4));
            for at in 0..4 {
                group[at] = N::of(one >> (at * WIDTH) & mask);
                group[at + 4] = N::of(two >> (at * WIDTH) & mask);
            }
        }
        done += 8;
    }
    done
}

/// The lowest eight bits, a byte for each: copies of them, of which every byte keeps another bit.
#[inline]
fn spread_bits(word: u64) -> [u8; 8] {
    let kept = ((word & 0xff) * 0x0101_0101_0101_0101) & 0x8040_2010_0804_0201;
    (((kept + 0x7f7f_7f7f_7f7f_7f7f) >> 7) & 0x0101_0101_0101_0101).to_le_bytes()
}

/// The lowest eight pairs of bits, a byte for each: halves are moved apart, then their halves.
#[inline]
fn spread_pairs(word: u64) -> [u8; 8] {
    let fours = (word & 0xff | (word & 0xff00) << 24) & 0x0000_00ff_0000_00ff;
    let twos = (fours | fours << 12) & 0x000f_000f_000f_000f;
    ((twos | twos << 6) & 0x0303_0303_0303_0303).to_le_bytes()
}

/// Unpacks value by value.
fn one_by_one<N: Number>(bytes: &[u8], bit: usize, width: u32, out: &mut [N]) {
    let (mask, mut bit) = (u64::from(u32::MAX >> (32 - width)), bit);
    for value in out {
        let rest = &bytes[bit / 8..];
        let word = rest.first_chunk().copied().unwrap_or_else(|| {
            let mut word = [0_u8; 8];
            word[..rest.len()].copy_from_slice(rest);
            word
        });
        *value = N::of(u64::from_le_bytes(word) >> (bit % 8) & mask);
        bit += width as usize;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Writes values as runs and packed groups, in turns.
    fn written(values: &[u32], width: u32, run: usize) -> Vec<u8> {
        let mut out = Vec::new();
        for (number, part) in values.chunks(run * 8).enumerate() {
            let same = part.iter().all(|value| *value == part[0]);
            if same && number % 2 == 0 {
                out.extend(leb(part.len() as u64 * 2));
                out.extend(&part[0].to_le_bytes()[..width.div_ceil(8) as usize]);
                continue;
            }
            let groups = part.len().div_ceil(8);
            out.extend(leb(groups as u64 * 2 + 1));
            let mut bits = vec![0_u8; groups * width as usize];
            for (at, value) in part.iter().enumerate() {
                for bit in 0..width as usize {
                    let place = at * width as usize + bit;
                    bits[place / 8] |= ((value >> bit & 1) as u8) << (place % 8);
                }
            }
            out.extend(bits);
        }
        out
    }

    fn leb(mut value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
        out
    }

    proptest! {
        #[test]
        fn values_come_back_in_parts_of_any_size(
            width in 1_u32..=32, seeds in prop::collection::vec(any::<u32>(), 1..400), runs in 1_usize..6, step in 1_usize..90, few: bool,
        ) {
            let mask = u32::MAX >> (32 - width);
            let values: Vec<u32> = seeds.iter().map(|seed| if few { (seed % 2) & mask } else { seed & mask }).collect();
            let page = written(&values, width, runs);
            let mut stream = Hybrid::new(width, 0, page.len()).expect("a width");
            let mut read = Vec::new();
            while read.len() < values.len() {
                let mut part = vec![0; step.min(values.len() - read.len())];
                let mut again = stream.clone();
                stream.fill::<u32>(&page, &mut part).expect("well formed");
                if let Some(same) = again.take(&page, &mut vec![0_u32; part.len()]).expect("well formed") {
                    prop_assert!(part.iter().all(|value| *value == same));
                }
                read.extend(part);
            }
            prop_assert_eq!(&read, &values);
            if width <= 8 {
                let mut bytes = vec![0_u8; values.len()];
                Hybrid::new(width, 0, page.len()).and_then(|mut stream| stream.fill(&page, &mut bytes)).expect("read");
                prop_assert!(bytes.iter().zip(&values).all(|(byte, value)| u32::from(*byte) == *value));
            }
        }
    }

    #[test]
    fn no_width_is_all_zeros_and_a_cut_stream_an_error() {
        let mut out = [7_u32; 5];
        assert_eq!(Hybrid::new(0, 0, 0).and_then(|mut stream| stream.fill(&[], &mut out)), Ok(()));
        assert_eq!(out, [0; 5]);
        for page in [&[][..], &[0x80][..], &[10][..], &[3][..], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..]] {
            let mut stream = Hybrid::new(9, 0, page.len()).expect("a width");
            assert!(stream.fill(page, &mut out).is_err(), "{page:?}");
        }
        assert!(Hybrid::new(33, 0, 0).is_err());
    }

    #[test]
    fn an_endless_stream_of_empty_runs_ends() {
        let page = vec![0_u8; 64];
        let mut stream = Hybrid::new(1, 0, page.len()).expect("a width");
        assert!(stream.fill(&page, &mut [0_u8; 4]).is_err());
    }
}
