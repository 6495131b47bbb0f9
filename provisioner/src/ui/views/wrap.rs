//! Lines that fit the columns: broken at spaces, what follows set in. Colours take no room; an address, an ARN or
//! any other word that is longer than the line stays whole, so that it can be copied.

/// The text in lines of at most `width` columns, the first as it is, the others after `indent` spaces. Lines that the
/// text has already are kept, and broken each by itself.
pub fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| broken(line, width, indent)).collect();
    lines.join("\n")
}

fn broken(line: &str, width: usize, indent: usize) -> String {
    if columns(line) <= width {
        return line.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    // Spaces at the start are the line's own indentation, not a place to break.
    let text = line.trim_start_matches(' ');
    let own = line.len() - text.len();
    for word in text.split(' ') {
        let wide = columns(word);
        if used == 0 {
            out.push_str(&" ".repeat(own));
            used = own;
        } else if used + 1 + wide > width {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            used = indent;
        } else {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += wide;
    }
    out
}

/// How many columns a text takes on a terminal; escape sequences of colours take none.
pub fn columns(text: &str) -> usize {
    let mut count = 0;
    let mut in_escape = false;
    for c in text.chars() {
        match (in_escape, c) {
            (false, '\u{1b}') => in_escape = true,
            (false, _) => count += 1,
            (true, 'm') => in_escape = false,
            (true, _) => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_line_is_broken_and_the_rest_set_in() {
        assert_eq!(wrapped("one two three four", 9, 2), "one two\n  three\n  four");
        assert_eq!(wrapped("    one two three", 11, 6), "    one two\n      three");
        assert_eq!(wrapped("short\nand a longer one", 12, 2), "short\nand a longer\n  one");
    }

    #[test]
    fn colours_take_no_room_and_long_words_stay_whole() {
        assert_eq!(columns("\u{1b}[1mbold\u{1b}[0m"), 4);
        let arn = "arn:aws:iam::123456789012:role/a-name";
        assert_eq!(wrapped(&format!("the role {arn} is there"), 20, 2), format!("the role\n  {arn}\n  is there"));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_lines_fit(words in prop::collection::vec("[a-z]{1,12}", 1..30), width in 16_usize..60) {
            let text = words.join(" ");
            let out = wrapped(&text, width, 2);
            prop_assert!(out.lines().all(|line| columns(line) <= width), "{out}");
            prop_assert_eq!(out.split_whitespace().collect::<Vec<_>>(), words);
        }
    }
}
