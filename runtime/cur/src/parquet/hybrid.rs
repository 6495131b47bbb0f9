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

impl Hybrid {
    /// A stream of values of `width` bits, from byte `at` to `end` of its page.
    pub fn new(width: u32, at: usize, end: usize) -> Result<Hybrid, Fault> {
        if width > 32 {
            return Err(Fault::damage(format!("a page has values of {width} bits")));
        }
        Ok(Hybrid { width, at, end, left: 0, run: Run::None })
    }

    /// Fills `out` with the next values. Returns their value where one run gives all of them.
    #[inline]
    pub fn fill(&mut self, page: &[u8], out: &mut [u32]) -> Result<Option<u32>, Fault> {
        while self.left == 0 && !out.is_empty() {
            self.next_run(page)?;
        }
        if let (Run::Same(value), true) = (self.run, self.left >= out.len()) {
            self.left -= out.len();
            out.fill(value);
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
                Run::Same(value) => part.fill(*value),
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
fn unpack(page: &[u8], end: usize, bit: usize, width: u32, out: &mut [u32]) {
    let mask = u32::MAX >> (32 - width);
    let mut bit = bit;
    // Whole words while eight bytes are there to be read.
    let words = page[..end].len().saturating_sub(8) * 8;
    let fast = if bit <= words { ((words - bit) / width as usize).min(out.len()) } else { 0 };
    let (quick, slow) = out.split_at_mut(fast);
    for value in quick {
        let from = bit / 8;
        let word = u64::from_le_bytes(page[from..from + 8].try_into().expect("eight bytes"));
        *value = (word >> (bit % 8)) as u32 & mask;
        bit += width as usize;
    }
    for value in slow {
        let mut word = [0; 8];
        let rest = &page[bit / 8..end];
        let length = rest.len().min(8);
        word[..length].copy_from_slice(&rest[..length]);
        *value = (u64::from_le_bytes(word) >> (bit % 8)) as u32 & mask;
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
                let same = stream.fill(&page, &mut part).expect("well formed");
                if let Some(same) = same {
                    prop_assert!(part.iter().all(|value| *value == same));
                }
                read.extend(part);
            }
            prop_assert_eq!(read, values);
        }
    }

    #[test]
    fn no_width_is_all_zeros_and_a_cut_stream_an_error() {
        let mut out = [7; 5];
        assert_eq!(Hybrid::new(0, 0, 0).and_then(|mut stream| stream.fill(&[], &mut out)), Ok(Some(0)));
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
        assert!(stream.fill(&page, &mut [0; 4]).is_err());
    }
}
