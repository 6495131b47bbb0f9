//! Tables as spreadsheets read them: RFC 4180, and no cell that a spreadsheet would run.

use std::fmt::Write as _;

use rust_decimal::Decimal;

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Text of whatever origin: tags and names are other people's.
    Text(String),
    /// A number of ours. A minus before digits runs nothing, and with an apostrophe it would be no number any more.
    Number(Decimal),
    /// Nothing.
    Empty,
}

impl Cell {
    /// A text.
    pub fn text(text: impl Into<String>) -> Cell {
        Cell::Text(text.into())
    }

    /// A text that may lack.
    pub fn optional(text: Option<impl ToString>) -> Cell {
        text.map_or(Cell::Empty, |text| Cell::Text(text.to_string()))
    }
}

/// The table's text: a line for each row, the head first.
pub fn table(head: &[&str], rows: &[Vec<Cell>]) -> String {
    let mut text = String::new();
    line(&mut text, head.iter().map(|name| written(&Cell::text(*name))));
    rows.iter().for_each(|row| line(&mut text, row.iter().map(written)));
    text
}

fn line(text: &mut String, cells: impl Iterator<Item = String>) {
    for (at, cell) in cells.enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Writing into a text does not fail.
        let _ = write!(text, "{comma}{cell}");
    }
    text.push_str("\r\n");
}

fn written(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => quoted(&neutral(text)),
    }
}

/// A text that begins as a formula would is text with an apostrophe before it; spreadsheets do not show that one.
fn neutral(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    match text.contains(['"', ',', '\r', '\n', ';', '\t']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("a=1", "a=1"),
            ("a,b", "\"a,b\""),
            ("a;b", "\"a;b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=HYPERLINK(\"https://evil.example\",\"x\")", "\"'=HYPERLINK(\"\"https://evil.example\"\",\"\"x\"\")\""),
        ] {
            assert_eq!(table(&["h"], &[vec![Cell::text(text)]]), format!("h\r\n{expected}\r\n"));
        }
    }

    #[test]
    fn numbers_keep_their_digits_and_their_sign() {
        let row =
            vec![Cell::Number(Decimal::new(-150, 2)), Cell::Empty, Cell::optional(None::<String>), Cell::text("x")];
        assert_eq!(table(&["a", "b", "c", "d"], &[row]), "a,b,c,d\r\n-1.50,,,x\r\n");
    }

    /// Cells as a reader of RFC 4180 takes them.
    fn read(line: &str) -> Vec<String> {
        let (mut cells, mut cell, mut is_quoted) = (Vec::new(), String::new(), false);
        let mut rest = line.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '"' if is_quoted && rest.peek() == Some(&'"') => cell.extend(rest.next()),
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => cells.push(std::mem::take(&mut cell)),
                c => cell.push(c),
            }
        }
        cells.push(cell);
        cells
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_cell_or_begins_a_formula(texts in prop::collection::vec(any::<String>(), 1..5)) {
            let row: Vec<Cell> = texts.iter().map(|text| Cell::text(text.clone())).collect();
            let text = table(&["h"], &[row]);
            let line = text.strip_prefix("h\r\n").and_then(|rest| rest.strip_suffix("\r\n")).expect("a line");
            let cells = read(line);
            prop_assert_eq!(cells.len(), texts.len());
            for (cell, text) in cells.iter().zip(&texts) {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
                prop_assert_eq!(cell.strip_prefix('\'').filter(|_| !text.starts_with('\'')).unwrap_or(cell), text);
            }
        }
    }
}
